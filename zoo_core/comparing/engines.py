"""Who works off the cells: processes of this machine, or a Ray cluster. The result is the same."""

import os
import subprocess
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from queue import SimpleQueue
from typing import final

from zoo_core.comparing.cell import Cell
from zoo_core.comparing.process import CellProcess, work_off

_SECONDS_BETWEEN_LOOKS = 1.0


class Engine(ABC):
    """Works off cells, in any order."""

    @abstractmethod
    def run(self, cells: Sequence[Cell]) -> Generator[Cell | None, None, None]:
        """Each cell once it has ended, and None about once a second, so that who asks may look around.

        Where it is interrupted or closed, cells that are under way stop with a checkpoint, and it waits for them; a
        second interruption kills them.
        """


@final
class LocalEngine(Engine):
    """A pool of threads, each of which waits for the process of a cell, and has the next one warm up meanwhile.

    Args:
        workers: cells at once; by default one for each GPU, and one on a machine without. They share out the GPUs.
        device: "auto", "cpu" or "gpu".
    """

    def __init__(self, workers: int | None = None, device: str = "auto") -> None:
        gpus = [] if device == "cpu" else visible_gpus()
        self._workers = workers or max(1, len(gpus))
        self._environments = [_environment(gpus, worker, self._workers) for worker in range(self._workers)]
        self._free: SimpleQueue[int] = SimpleQueue()
        for worker in range(self._workers):
            self._free.put(worker)
        self._lock = threading.Lock()
        self._stopping = False
        self._waiting = 0
        self._running: dict[int, CellProcess] = {}
        self._warm: list[tuple[dict[str, str], CellProcess]] = []

    def run(self, cells: Sequence[Cell]) -> Generator[Cell | None, None, None]:
        pool = ThreadPoolExecutor(self._workers)
        self._waiting = len(cells)
        running = {pool.submit(self._work_off, cell): cell for cell in cells}
        try:
            while running:
                done, _ = wait(running, timeout=_SECONDS_BETWEEN_LOOKS, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
                    yield running.pop(future)
                yield None
        except BaseException:
            self._stop()
            try:
                pool.shutdown(cancel_futures=True)
            except KeyboardInterrupt:
                self._kill()
            raise
        finally:
            pool.shutdown()
            for _, process in self._warm:
                process.kill()
                process.discard()

    def _work_off(self, cell: Cell) -> None:
        worker = self._free.get()
        with self._lock:
            self._waiting -= 1
        try:
            work_off(cell, lambda: self._begin(worker))
        finally:
            self._free.put(worker)

    def _begin(self, worker: int) -> CellProcess | None:
        """A process for its next cell; None where there is to be no more."""
        environment = self._environments[worker]
        with self._lock:
            if self._stopping:
                return None
            number = next((n for n, (there, _) in enumerate(self._warm) if there == environment), None)
            process = CellProcess(environment) if number is None else self._warm.pop(number)[1]
            if self._waiting > len(self._warm):
                self._warm.append((environment, CellProcess(environment)))
            self._running[worker] = process
            return process

    def _stop(self) -> None:
        with self._lock:
            self._stopping = True
            for process in self._running.values():
                process.close()

    def _kill(self) -> None:
        for process in self._running.values():
            process.kill()


def visible_gpus() -> list[str]:
    """The NVIDIA GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; found without touching them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name and not name.startswith("-")]
    with suppress(OSError, subprocess.TimeoutExpired):
        command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=30)
        return found.stdout.split() if found.returncode == 0 else []
    return []


def _environment(gpus: Sequence[str], worker: int, workers: int) -> dict[str, str]:
    if not gpus:
        return {}
    environment = {"CUDA_VISIBLE_DEVICES": gpus[worker % len(gpus)]}
    if workers > len(gpus):
        environment["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # or else the first one takes most of the memory
    return environment
