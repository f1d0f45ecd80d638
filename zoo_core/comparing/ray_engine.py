"""A Ray cluster works off the cells: one that runs already, or else one of this machine, started for the purpose."""

import contextlib
import io
import os
import tarfile
import tempfile
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, final

from zoo_core.comparing.cell import Cell
from zoo_core.comparing.engines import Engine
from zoo_core.comparing.process import CellProcess, work_off
from zoo_core.data.preparing.ray_engine import connected

_RETRIES = 3
_SECONDS_BETWEEN_LOOKS = 1.0
_CARRIED = ("ZOO_", "KERAS_", "JAX_", "XLA_")
"""How variables begin that cells get from here wherever they run."""


@final
class RayEngine(Engine):
    """Tasks on the cluster that this process is connected to, that RAY_ADDRESS names or that `ray start` started here.

    Each cell asks for one GPU where the cluster has any, and otherwise for all cores of the smallest machine that has
    any. Where a worker or a machine dies, its cells are given to others, which go on from the last checkpoint if they
    see the folder of the comparison. If they do not, a cell's files are sent there when it is submitted and back when
    it has ended: what it did meanwhile is lost where its machine dies, or where it is stopped. Every machine needs
    zoo-core, the plugins, and the data under the same paths.

    Args:
        device: "auto", "cpu" or "gpu".
    """

    def __init__(self, device: str = "auto") -> None:
        self._device = device

    def run(self, cells: Sequence[Cell]) -> Generator[Cell | None, None, None]:
        """Raises `UsageError` where Ray is not installed, and `ZooError` where its cluster does not answer."""
        environment = {name: value for name, value in os.environ.items() if name.startswith(_CARRIED)}
        with connected() as ray, _mark(cells[0].out) as mark:
            resources = _resources(ray, self._device)
            task = ray.remote(max_retries=_RETRIES, **resources)(_work_off)
            waiting = iter(cells)
            running: dict[Any, Cell] = {}
            try:
                while True:
                    # One more than there is room for, so that no worker waits, and a cluster that can grow does; no
                    # more, as their files are in memory.
                    for cell in islice(waiting, max(0, _room(ray, resources) + 1 - len(running))):
                        cell.forget_failure()  # what comes back would not take it away
                        there = cell.model_copy(update={"out": cell.out.resolve()})
                        running[task.remote(there.model_dump_json(), mark, _packed(cell), environment)] = cell
                    if not running:
                        return
                    finished, _ = ray.wait(list(running), timeout=_SECONDS_BETWEEN_LOOKS)
                    for reference in finished:
                        cell = running.pop(reference)
                        try:
                            _unpack(ray.get(reference), cell)
                        except ray.exceptions.RayError as error:
                            lines = str(error).strip().splitlines() or [""]
                            cell.fail(f"Ray gave up on it: {type(error).__name__}: {lines[-1]}")
                        yield cell
                    yield None
            except BaseException:
                for reference in running:
                    ray.cancel(reference)
                with contextlib.suppress(KeyboardInterrupt):  # a second one waits no longer
                    ray.wait(list(running), num_returns=len(running))
                raise


def _resources(ray: Any, device: str) -> dict[str, float]:
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if device != "cpu" and any(machine.get("GPU") for machine in machines):
        return {"num_gpus": 1}
    cores = [machine["CPU"] for machine in machines if machine.get("CPU")]  # a head may have been started without any
    return {"num_cpus": min(cores, default=1)}


def _room(ray: Any, resources: Mapping[str, float]) -> int:
    """How many cells that ask for so much the cluster can work off at once, as large as it is now."""
    ((name, amount),) = resources.items()
    kind = {"num_gpus": "GPU", "num_cpus": "CPU"}[name]
    return sum(int(node["Resources"].get(kind, 0) // amount) for node in ray.nodes() if node["Alive"])


def _work_off(cell: str, mark: str, archive: bytes, environment: Mapping[str, str]) -> bytes:
    """On some machine: its files, or nothing where they are where they belong already."""
    found = Cell.model_validate_json(cell)
    if Path(mark).is_file():
        _in_processes(found, environment)
        return b""
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        here = found.model_copy(update={"out": Path(folder)})
        _unpack(archive, here)
        _in_processes(here, environment)
        return _packed(here)


def _in_processes(cell: Cell, environment: Mapping[str, str]) -> None:
    begun: list[CellProcess] = []

    def begin() -> CellProcess:
        begun.append(CellProcess(environment))
        return begun[-1]

    try:
        work_off(cell, begin)
    except BaseException:  # `ray.cancel` raises KeyboardInterrupt here
        begun[-1].discard()
        raise


@contextlib.contextmanager
def _mark(out: Path) -> Iterator[str]:
    """A file in the comparison's folder: who sees it, works there."""
    out.mkdir(parents=True, exist_ok=True)
    mark = out.resolve() / f".{uuid.uuid4().hex}.mark"
    mark.touch()
    try:
        yield str(mark)
    finally:
        mark.unlink(missing_ok=True)


def _packed(cell: Cell) -> bytes:
    """What there is of a cell, as a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in (cell.run, cell.folder):
            if folder.is_dir():
                archive.add(folder, folder.relative_to(cell.out))
    return buffer.getvalue()


def _unpack(archive: bytes, cell: Cell) -> None:
    if archive:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(cell.out, filter="data")
