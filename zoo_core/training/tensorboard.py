"""What is logged, for TensorBoard."""

from contextlib import AbstractContextManager
from pathlib import Path

from zoo_core.errors import UsageError
from zoo_core.files import writing


class TensorBoard:
    """A `Sink` that writes an event file, and raises NotWritten where the disk is full.

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
        with self._writing():
            # What came after the checkpoint is void. The queue has no end: the thread that reads it ends where the disk
            # is full, and nobody is to wait for it.
            self._writer = self._make(str(self._folder), purge_step=step + 1, max_queue=0)

    def log(self, line: dict[str, float]) -> None:
        assert self._writer is not None
        with self._writing():
            for name in line.keys() - {"step"}:
                self._writer.add_scalar(name, line[name], int(line["step"]))
            self._writer.flush()

    def _writing(self) -> AbstractContextManager[None]:
        return writing(self._folder, "Free some space, or leave --tensorboard out.")
