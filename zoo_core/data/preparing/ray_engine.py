"""A Ray cluster works off the shards: one that runs already, or else one of this machine, started for the purpose."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, final

from zoo_core.data.preparing.engines import Engine
from zoo_core.data.preparing.shards import Done, Shard, work_off
from zoo_core.errors import UsageError, ZooError

_RETRIES = 3


@final
class RayEngine(Engine):
    """Tasks on the cluster that this process is connected to, that RAY_ADDRESS names or that `ray start` started here.

    Where a worker or a machine dies, what it was given is done again elsewhere. Every machine needs zoo-core, and under
    the same paths the sources and the folder of the file that is made, where archives are unpacked.

    Raises:
        UsageError: where Ray is not installed.
    """

    def __init__(self) -> None:
        _ray()  # now, and not once the work has begun

    def run(self, shards: Iterator[Shard]) -> Iterator[Done]:
        """Raises `ZooError` also where the cluster does not answer."""
        with connected() as ray:
            task = ray.remote(max_retries=_RETRIES)(work_off)
            at_once = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
            running: dict[Any, Shard] = {}
            while True:
                for shard in islice(shards, at_once - len(running)):
                    running[task.remote(shard)] = shard
                if not running:
                    return
                (finished,), _ = ray.wait(list(running))
                shard = running.pop(finished)
                try:
                    done = ray.get(finished)
                except ray.exceptions.RayError as error:
                    raise _failed(shard, error) from error
                del finished  # so that the cluster forgets the result
                yield done


@contextmanager
def connected() -> Iterator[Any]:
    """The `ray` module; what is connected or started here is ended here, and nothing else."""
    ray = _ray()
    if ray.is_initialized():
        yield ray
        return
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise ZooError(
            f"No Ray cluster can be reached or started: {' '.join(str(error).split())}",
            "RAY_ADDRESS names the cluster to use; without it, and after `ray stop`, one is started on this machine.",
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise UsageError("Ray is not installed.", 'Install it: pip install "zoo-core[ray]"') from None
    return ray


def _failed(shard: Shard, error: Exception) -> ZooError:
    first, last = shard.items[0].path, shard.items[-1].path
    reason = [type(error).__name__, *str(error).strip().splitlines()][-1]
    return ZooError(
        f"Ray gave up on the images '{first}' to '{last}' of '{shard.source.name}': {reason}",
        "Has every machine of the cluster this version of zoo-core, the sources, and enough memory? What was done so "
        "far is kept: run the same again to go on.",
    )
