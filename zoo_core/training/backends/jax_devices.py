"""Several devices on JAX, of one process or of many: Keras' data parallelism, by which XLA divides the step.

The state is whole on every device, and each has its part of every batch. The step stays the text that it is on one
device: what it sums over a batch, for gradients and batch statistics too, XLA sums over the devices.
"""

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from zoo_core.errors import UsageError
from zoo_core.models import Tensor
from zoo_core.training.backends.base import Arrays

SECONDS_TO_END = 60  # between the first process that ends and the last; it is then taken for dead


def join_processes() -> int:
    """See `Backend.join_processes`; nothing may have been computed before."""
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM away from the training loop
    try:
        jax.distributed.initialize(shutdown_timeout_seconds=SECONDS_TO_END)
    except ValueError as error:
        raise UsageError(
            "No scheduler that JAX knows has started this process.",
            "Start one process for each GPU with Slurm's srun or Open MPI's mpirun, or leave out --distributed.",
        ) from error
    return jax.device_count()


def data_parallel(platform: str, count: int, batch: int) -> keras.distribution.DataParallel:
    """Keras' distribution over `count` devices. See `Backend.distribute`."""
    devices = keras.distribution.list_devices(platform)
    if count > len(devices):
        raise UsageError(
            f"JAX sees {len(devices)} of {platform}, received --devices {count}.",
            f"Choose --devices {len(devices)}, or --distributed for those of several processes. For tests, "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={count} makes so many of a CPU.",
        )
    if count < len(devices) and jax.process_count() > 1:
        raise UsageError(
            f"The {jax.process_count()} processes have {len(devices)} devices in all, received {count}.",
            f"All of them must take part: --distributed without --devices, or devices={len(devices)}.",
        )
    if batch % count:
        raise UsageError(
            f"{count} devices can't have equal parts of {batch} images, the batch size over accumulate.",
            f"Choose a --batch-size that is a multiple of {count}.",
        )
    return keras.distribution.DataParallel(devices=devices[:count])


def split(array: Tensor, axis: int) -> Tensor:
    """See `Backend.split`. An axis that does not divide stays whole."""
    layout = _layout(*[None] * axis, "batch")
    if layout is None or array.ndim <= axis or array.shape[axis] % layout.mesh.size:
        return array
    if isinstance(array, np.ndarray):
        return jax.make_array_from_callback(array.shape, layout, array.__getitem__)
    return jax.lax.with_sharding_constraint(array, layout)


def replicate(array: np.ndarray) -> jax.Array:
    """A copy, whole on each device."""
    layout = whole()
    if layout is None:
        return jnp.array(array)
    return jax.make_array_from_callback(array.shape, layout, lambda index: np.array(array[index]))


def gather(arrays: Arrays) -> dict[str, jax.Array]:
    """See `Backend.gather`."""
    arrays = jax.device_put(dict(arrays), whole())
    return {name: jnp.copy(array.addressable_data(0)) for name, array in arrays.items()}


def whole() -> NamedSharding | None:
    """The layout of what every device has a copy of; None on a single device."""
    return _layout()


def _layout(*axes: str | None) -> NamedSharding | None:
    distribution = keras.distribution.distribution()
    return distribution and NamedSharding(distribution.device_mesh.backend_mesh, PartitionSpec(*axes))
