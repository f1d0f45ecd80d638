"""What is logged, for TensorBoard."""

from pathlib import Path

from zoo_core.errors import UsageError


class TensorBoard:
    """A `Sink` that writes an event file.

    Raises:
        UsageError: where the package tensorboardX is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise UsageError(
                "TensorBoard's files need the package tensorboardX, which is not installed.",
                "pip install 'zoo-core[tensorboard]'",
            ) from error
        self._folder = folder
        self._writer: SummaryWriter | None = None
        self._make = SummaryWriter

    def begin(self, label: str, step: int, steps: int, seconds: float = 0.0) -> None:
        self._writer = self._make(str(self._folder), purge_step=step + 1)  # what came after the checkpoint is void

    def log(self, line: dict[str, float]) -> None:
        assert self._writer is not None
        for name in line.keys() - {"step"}:
            self._writer.add_scalar(name, line[name], int(line["step"]))
        self._writer.flush()
