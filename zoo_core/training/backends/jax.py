"""JAX: the step is one compiled function of a donated state."""

import platform
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import platformdirs
from jax.experimental import multihost_utils

from zoo_core.errors import UsageError
from zoo_core.models import Tensor
from zoo_core.training.backends import jax_devices
from zoo_core.training.backends.base import Arrays, Backend, Carry, LossOf, Step


class JaxBackend(Backend):
    name = "jax"
    precisions = ("float32", "bfloat16", "float16", "float64")

    def __init__(self) -> None:
        self._options: dict[str, Any] | None = None  # of the compiler
        _enable_compilation_cache()

    def select_device(self, name: str) -> jax.Device:
        if name == "auto":
            return jax.local_devices()[0]
        try:
            return jax.local_devices(backend=name)[0]
        except RuntimeError as error:
            raise UsageError(
                f"JAX sees no device '{name}', only: {', '.join(sorted({d.platform for d in jax.devices()}))}.",
                "For an NVIDIA GPU: pip install 'zoo-core[cuda]'.",
            ) from error

    def use_device(self, device: jax.Device) -> AbstractContextManager[Any]:
        return jax.default_device(device)

    def describe_device(self, device: jax.Device) -> str:
        return " ".join(dict.fromkeys((device.platform, device.device_kind)))  # a CPU's kind is "cpu" again

    @property
    def processes(self) -> int:
        return jax.process_count()

    @property
    def leads(self) -> bool:
        return jax.process_index() == 0

    def join_processes(self) -> int:
        return jax_devices.join_processes()

    def distribute(self, device: jax.Device, count: int, batch: int) -> AbstractContextManager[Any]:
        if count == self.processes == 1:
            return nullcontext()
        return jax_devices.data_parallel(device.platform, count, batch).scope()

    def split(self, array: Any, axis: int = 0) -> Any:
        return jax_devices.split(array, axis)

    def gather(self, arrays: Arrays) -> dict[str, Any]:
        return jax_devices.gather(arrays)

    def agree(self, value: float) -> float:
        said = multihost_utils.broadcast_one_to_all(np.array([value], "float64").view("uint8"))
        return float(said.view("float64")[0])

    def wide_floats(self, wanted: bool) -> AbstractContextManager[Any]:
        return jax.enable_x64(wanted)

    def set_deterministic(self, wanted: bool) -> None:
        self._options = {"xla_gpu_deterministic_ops": True} if wanted and jax.default_backend() == "gpu" else None

    def trace(self, folder: Path) -> AbstractContextManager[Any]:
        return jax.profiler.trace(folder)

    def key(self, seed: int) -> jax.Array:
        return jax.random.key(seed)

    def fold_in(self, key: jax.Array, data: Tensor) -> jax.Array:
        data = jnp.asarray(data)
        keys_and_data = (0 if key.ndim else None, 0 if data.ndim else None)
        if keys_and_data == (None, None):
            return jax.random.fold_in(key, data)
        return jax.vmap(jax.random.fold_in, in_axes=keys_and_data)(key, data)

    def uniform(self, key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        if key.ndim:
            return jax.vmap(lambda one: jax.random.uniform(one, shape[1:], "float32"))(key)
        return jax.random.uniform(key, shape, "float32")

    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return jax.grad(function)

    def value_and_grad(self, loss_of: LossOf, weights: dict[str, Tensor]) -> tuple[Any, dict[str, Tensor]]:
        (_, rest), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights)
        return rest, gradients

    def repeat(self, turn: Callable[[Any, Carry], Carry], count: int, carry: Carry) -> Carry:
        return jax.lax.fori_loop(1, count + 1, turn, carry)

    def apply(
        self,
        optimizer: keras.optimizers.Optimizer,
        slots: dict[str, Tensor],
        gradients: dict[str, Tensor],
        weights: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        new_weights, new_slots = optimizer.stateless_apply(
            list(slots.values()), [gradients[name] for name in weights], list(weights.values())
        )
        return dict(zip(weights, new_weights, strict=True)) | dict(zip(slots, new_slots, strict=True))

    def hold(self, arrays: Mapping[str, np.ndarray], variables: Mapping[str, keras.Variable]) -> dict[str, Any]:
        return {name: jax_devices.replicate(array) for name, array in arrays.items()}

    def compile_step(self, step: Step) -> Step:
        return self._compile(step)

    def compile_steps(self, step: Step) -> Step:
        def steps(state: dict, data: dict, batches: dict, active: tuple[bool, ...]) -> tuple[dict, dict]:
            return jax.lax.scan(lambda state, batch: step(state, data, batch, active), state, batches)

        return self._compile(steps)

    def _compile(self, step: Step) -> Step:
        layout = jax_devices.whole()
        return jax.jit(step, static_argnums=3, donate_argnums=0, out_shardings=layout, compiler_options=self._options)

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return jax.jit(function, compiler_options=self._options)

    def shape_of(self, function: Callable[..., Tensor], *arguments: Any) -> tuple[int, ...]:
        return jax.eval_shape(function, *arguments).shape

    def to_numpy(self, tensor: Tensor) -> np.ndarray:
        array = np.array(tensor)
        return array.astype(np.float32) if array.dtype == jnp.bfloat16 else array

    def device_memory(self, device: jax.Device) -> int | None:
        return None if device.platform == "cpu" else (device.memory_stats() or {}).get("bytes_limit")

    def is_out_of_memory(self, error: Exception) -> bool:
        return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)


def _enable_compilation_cache() -> None:
    """Keep what XLA compiles between processes, a folder for each machine; JAX_COMPILATION_CACHE_DIR overrides it."""
    if jax.config.jax_compilation_cache_dir is None:
        folder = platformdirs.user_cache_path("zoo") / "xla" / platform.node()
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
