"""What the engine needs of a Keras backend."""

import abc
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import keras
import numpy as np

from zoo_core.errors import UsageError
from zoo_core.models import Tensor

Arrays = Mapping[str, Any]
"""Arrays by name: a state, or the weights of the networks that are used after training."""

Step = Callable[[dict[str, Any], dict[str, Any], dict[str, Any], tuple[bool, ...]], tuple[dict[str, Any], dict]]
"""`step(state, data, batch, active)` → (new state, logs); `data` is resident, `active` tells which phases run."""

LossOf = Callable[[dict[str, Tensor]], tuple[Tensor, Any]]
"""Weights by name → (scalar loss, anything else)."""

Carry = TypeVar("Carry")
"""Tensors, nested in tuples and dicts."""


class Backend(abc.ABC):
    """One of Keras' backends.

    Attributes:
        name: as Keras calls it.
        precisions: those of `--precision` that it trains in.
    """

    name: str
    precisions: tuple[str, ...] = ("float32", "bfloat16", "float64")

    @abc.abstractmethod
    def select_device(self, name: str) -> Any:
        """The device called "auto" (a GPU where there is one), "cpu" or "gpu".

        Raises:
            UsageError: where there is no such device.
        """

    @abc.abstractmethod
    def use_device(self, device: Any) -> AbstractContextManager[Any]:
        """A scope in which arrays and computations are on this device."""

    @abc.abstractmethod
    def describe_device(self, device: Any) -> str:
        """For records: "cpu", or a GPU with its model's name."""

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return 1

    @property
    def leads(self) -> bool:
        """Whether this is the one of these processes that writes and reports."""
        return True

    def join_processes(self) -> int:
        """Train together with the other processes that a scheduler started; returns how many devices they all have.

        Raises:
            UsageError: where there are none, or the backend can't.
        """
        raise UsageError(f"The backend {self.name} trains in one process.", "Choose --backend jax for several.")

    def distribute(self, device: Any, count: int, batch: int) -> AbstractContextManager[Any]:
        """A scope in which `count` devices like this one share the engine's work.

        Args:
            batch: images of each gradient.

        Raises:
            UsageError: where there are fewer devices, they can't share the batch evenly, or the backend can't do it.
        """
        if count > 1:
            raise UsageError(
                f"The backend {self.name} trains on one device, received --devices {count}.",
                "Choose --backend jax for several.",
            )
        return nullcontext()

    def split(self, array: Any, axis: int = 0) -> Any:
        """A NumPy array, or a tensor of compiled code, spread over the devices that share the work: each has a part of
        the axis, which is the batch."""
        return array

    def gather(self, arrays: Arrays) -> dict[str, Any]:
        """A copy of these parts of a state, on one device of this process."""
        return {name: keras.ops.copy(array) for name, array in arrays.items()}

    def agree(self, value: float) -> float:
        """What the process that leads says, for all of them, which call this at the same points."""
        return value

    def wide_floats(self, wanted: bool) -> AbstractContextManager[Any]:
        """A scope in which float64 is computed as such."""
        return nullcontext()

    @abc.abstractmethod
    def set_deterministic(self, wanted: bool) -> None:
        """Whether a GPU must give the same bits every time. What is compiled afterwards obeys it."""

    @abc.abstractmethod
    def trace(self, folder: Path) -> AbstractContextManager[Any]:
        """A scope whose operations are written down with their times, for the profiler's own viewer."""

    @abc.abstractmethod
    def key(self, seed: int) -> Any:
        """The key of all noise of a seed. All backends draw the same bits from the same keys."""

    @abc.abstractmethod
    def fold_in(self, key: Any, data: Tensor) -> Any:
        """A new key for each pair of a key and an integer; integers (N,) give N keys in one."""

    @abc.abstractmethod
    def uniform(self, key: Any, shape: tuple[int, ...]) -> Tensor:
        """U[0, 1), float32; N keys in one draw for N images, `shape[0]` being N."""

    @abc.abstractmethod
    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        """The gradient of a scalar function of one tensor, itself differentiable."""

    @abc.abstractmethod
    def value_and_grad(self, loss_of: LossOf, weights: dict[str, Tensor]) -> tuple[Any, dict[str, Tensor]]:
        """What `loss_of(weights)` returns beside the loss, and the loss's gradient by name; zero where it has none."""

    def repeat(self, turn: Callable[[Any, Carry], Carry], count: int, carry: Carry) -> Carry:
        """`carry = turn(i, carry)` for i from 1 to `count`, one after the other: none takes memory before the one
        before has set its own free."""
        for i in range(1, count + 1):
            carry = turn(i, carry)
        return carry

    @abc.abstractmethod
    def apply(
        self,
        optimizer: keras.optimizers.Optimizer,
        slots: dict[str, Tensor],
        gradients: dict[str, Tensor],
        weights: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        """One update: the new weights and the optimizer's new slots, by their names."""

    @abc.abstractmethod
    def hold(self, arrays: Mapping[str, np.ndarray], variables: Mapping[str, keras.Variable]) -> dict[str, Any]:
        """A state on the device.

        Args:
            variables: Keras' own, by the same names, for those arrays that have one.
        """

    @abc.abstractmethod
    def compile_step(self, step: Step) -> Step:
        """The step, compiled; it may destroy the state that it is given. `batch` is of NumPy arrays."""

    def compile_steps(self, step: Step) -> Step | None:
        """Several of these steps in one dispatch, `batch` and the logs with an axis before all others; None where
        that gains nothing over single ones."""
        return None

    @abc.abstractmethod
    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A pure function of tensors, mappings of tensors and NumPy arrays, compiled; without gradients outside."""

    def shape_of(self, function: Callable[..., Tensor], *arguments: Any) -> tuple[int, ...]:
        """The shape of what such a function gives, which is computed only where nothing less tells it."""
        return tuple(self.compile(function)(*arguments).shape)

    @abc.abstractmethod
    def to_numpy(self, tensor: Tensor) -> np.ndarray:
        """A copy in the host's memory; waits until the tensor is computed. bfloat16 comes as float32."""

    @abc.abstractmethod
    def device_memory(self, device: Any) -> int | None:
        """Bytes of a device's own memory; None for a CPU, whose memory is the host's."""

    @abc.abstractmethod
    def is_out_of_memory(self, error: Exception) -> bool:
        """Whether the device's memory was too small."""
