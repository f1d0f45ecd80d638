"""Who works off the shards: processes of this machine, or a Ray cluster. The result is the same."""

import multiprocessing
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import final

from zoo_core.cores import count_cores
from zoo_core.data.preparing.shards import Done, Shard, work_off
from zoo_core.errors import ZooError

_ATTEMPTS = 2


class Engine(ABC):
    """Works off shards, in any order, with few of them in memory."""

    @abstractmethod
    def run(self, shards: Iterator[Shard]) -> Iterator[Done]:
        """What became of each shard, once.

        Raises:
            ZooError: where a shard can't be worked off, however often it is tried.
        """


@final
class LocalEngine(Engine):
    """Processes of this machine. Where one dies, what was under way is done again, each shard alone.

    Args:
        workers: processes; 1 stands for this one, without any other. By default as many as there are cores.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or count_cores()

    def run(self, shards: Iterator[Shard]) -> Iterator[Done]:
        if self._workers == 1:
            yield from map(work_off, shards)
            return
        lost: list[Shard] = []
        while True:
            try:
                yield from self._in_one_pool(shards, lost)
                return
            except BrokenProcessPool:
                yield from map(_alone, lost)
                lost.clear()

    def _in_one_pool(self, shards: Iterator[Shard], lost: list[Shard]) -> Iterator[Done]:
        """Until there are no more shards, or a process died; then `lost` has those that were under way."""
        running: dict[Future[Done], Shard] = {}
        pool = _pool(self._workers)
        try:
            while True:
                for shard in islice(shards, 2 * self._workers - len(running)):
                    lost.append(shard)  # until it is accepted: the pool may be found broken just then
                    future = pool.submit(work_off, shard)
                    running[future] = lost.pop()
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done = future.result()
                    del running[future]
                    yield done
        except BrokenProcessPool:
            lost.extend(running.values())
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _alone(shard: Shard) -> Done:
    """A shard in a process of its own: if that dies too, it is known over what."""
    for _ in range(_ATTEMPTS):
        try:
            with _pool(1) as pool:
                return pool.submit(work_off, shard).result()
        except BrokenProcessPool:
            continue
    first, last = shard.items[0].path, shard.items[-1].path
    raise ZooError(
        f"Whatever process reads the images '{first}' to '{last}' of '{shard.source.name}' dies.",
        "Is there enough memory? Fewer processes need less: --workers 1. Otherwise move them elsewhere. What was done "
        "so far is kept: run the same again to go on.",
    )


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")  # forked, a process may inherit a lock that no one opens again
    # Ctrl-C reaches every process of the terminal; the first alone must act on it.
    return ProcessPoolExecutor(workers, context, signal.signal, (signal.SIGINT, signal.SIG_IGN))
