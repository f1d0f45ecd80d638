"""TensorFlow: the state lives in variables, since its optimizers change nothing else; the step is a `tf.function`."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo_core.errors import UsageError
from zoo_core.models import Tensor
from zoo_core.training import noise
from zoo_core.training.backends.base import Backend, Carry, LossOf, Step


class TensorFlowBackend(Backend):
    name = "tensorflow"
    precisions = ("float32", "bfloat16", "float16", "float64")

    def select_device(self, name: str) -> str:
        gpus = tf.config.list_physical_devices("GPU")
        if name == "gpu" and not gpus:
            raise UsageError("TensorFlow sees no device 'gpu', only: cpu.", "pip install 'tensorflow[and-cuda]'")
        return "gpu" if name != "cpu" and gpus else "cpu"

    def use_device(self, device: str) -> AbstractContextManager[Any]:
        return keras.device(f"{device}:0")

    def describe_device(self, device: str) -> str:
        if device == "cpu":
            return "cpu"
        details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
        return f"gpu {details.get('device_name', '')}".strip()

    def set_deterministic(self, wanted: bool) -> None:
        if wanted:
            tf.config.experimental.enable_op_determinism()  # for the rest of the process

    def trace(self, folder: Path) -> AbstractContextManager[Any]:
        return tf.profiler.experimental.Profile(str(folder))

    def key(self, seed: int) -> noise.Key:
        return noise.key_of(seed)

    def fold_in(self, key: noise.Key, data: Tensor) -> noise.Key:
        return noise.fold_in(key, data)

    def uniform(self, key: noise.Key, shape: tuple[int, ...]) -> Tensor:
        return noise.uniform(key, shape)

    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        def gradient(x: Tensor) -> Tensor:
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = function(x)
            return tape.gradient(value, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)

        return gradient

    def value_and_grad(self, loss_of: LossOf, weights: dict[str, Tensor]) -> tuple[Any, dict[str, Tensor]]:
        weights = {name: tf.convert_to_tensor(weight) for name, weight in weights.items()}
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            loss, rest = loss_of(weights)
        gradients = tape.gradient(loss, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return rest, {name: tf.convert_to_tensor(gradient) for name, gradient in gradients.items()}  # none sparse

    def repeat(self, turn: Callable[[Any, Carry], Carry], count: int, carry: Carry) -> Carry:
        return tf.while_loop(  # unrolled, all turns would run at once
            lambda i, _: i <= count, lambda i, carry: (i + 1, turn(i, carry)), (1, carry), parallel_iterations=1
        )[1]

    def apply(
        self,
        optimizer: keras.optimizers.Optimizer,
        slots: dict[str, Tensor],
        gradients: dict[str, Tensor],
        weights: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        optimizer.apply([gradients[name] for name in weights])  # to the variables of `hold`, which stay the state
        return {}

    def hold(self, arrays: Mapping[str, np.ndarray], variables: Mapping[str, keras.Variable]) -> dict[str, Any]:
        for name, variable in variables.items():
            if name in arrays:
                variable.assign(arrays[name])
        own = {name: variable.value for name, variable in variables.items() if name in arrays}
        return {name: own[name] if name in own else tf.Variable(array) for name, array in arrays.items()}

    def compile_step(self, step: Step) -> Step:
        @tf.function(autograph=False)
        def run(state: dict, data: dict, batch: dict, active: tuple[bool, ...]) -> dict:
            new, logs = step(state, data, batch, active)
            for name, variable in state.items():
                if new[name] is not variable:
                    variable.assign(new[name])
            return logs

        return lambda state, data, batch, active: (state, run(state, data, _tensors(batch), active))

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        compiled = tf.function(function, autograph=False)
        return lambda *arguments: compiled(*_tensors(arguments))

    def shape_of(self, function: Callable[..., Tensor], *arguments: Any) -> tuple[int, ...]:
        traced = tf.function(function, autograph=False).get_concrete_function(*_tensors(arguments))
        return tuple(traced.structured_outputs.shape)

    def to_numpy(self, tensor: Tensor) -> np.ndarray:
        if not tf.is_tensor(tensor):
            return np.array(tensor)
        return np.array((tf.cast(tensor, tf.float32) if tensor.dtype == tf.bfloat16 else tensor).numpy())

    def device_memory(self, device: str) -> int | None:
        return None  # TensorFlow tells what is in use, not what there is

    def is_out_of_memory(self, error: Exception) -> bool:
        return isinstance(error, tf.errors.ResourceExhaustedError)


def _tensors(arrays: Any) -> Any:
    """NumPy arrays, numbers and variables as tensors, so that no value becomes part of the graph."""
    return tf.nest.map_structure(tf.convert_to_tensor, arrays)
