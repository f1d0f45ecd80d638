"""The tools that a model's losses and samplers receive, on whatever backend."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from zoo_core.models import Tensor, Tools
from zoo_core.models.augment import diff_augment
from zoo_core.training.backends import Backend


class _BackendTools(Tools):
    """What training and sampling have in common. Calls are counted while tracing, so their numbers are static; where
    `ops.fori_loop` is a loop in Python instead, as on torch, each turn has the numbers of the first."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._calls = 0
        self._first_of_turn = 0
        self._turns: list[int] = []  # that the loop has begun

    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return self._backend.grad(function)

    def augment(self, images: Tensor) -> Tensor:
        return images

    def _next_key(self, key: Any, index: Tensor | None) -> Any:
        """A key of its own for each call and each turn of a loop."""
        turn = None if index is None else _known(index)
        if turn is None:
            self._turns = []
        elif not self._turns or turn in self._turns[:-1]:  # another loop
            self._turns, self._first_of_turn = [turn], self._calls
        elif turn != self._turns[-1]:
            self._turns.append(turn)
            self._calls = self._first_of_turn
        key = self._backend.fold_in(key, self._calls)
        self._calls += 1
        return key if index is None else self._backend.fold_in(key, index)


class TrainingTools(_BackendTools):
    """Noise of one training step.

    Args:
        key: of the step.
        policies: of `diff_augment`; none for the identity.
        part: (i, n) while the i-th of n equal parts of a batch is looked at: it draws what it would in the whole.
    """

    def __init__(
        self,
        backend: Backend,
        key: Any,
        step: Tensor,
        policies: tuple[str, ...] = (),
        part: tuple[int | Tensor, int] = (0, 1),
    ) -> None:
        super().__init__(backend)
        self.step = step
        self._key = key
        self._policies = policies
        self._part = part

    def uniform(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        key = self._next_key(self._key, index)
        part, parts = self._part
        if parts == 1 or not shape:
            return self._backend.split(_in_floatx(self._backend.uniform(key, shape)))
        whole = self._backend.uniform(key, (parts * shape[0], *shape[1:]))
        return self._backend.split(_in_floatx(part_of(whole, part, parts)))

    def augment(self, images: Tensor) -> Tensor:
        return diff_augment(images, self._policies, self) if self._policies else images


class SamplingTools(_BackendTools):
    """Noise for images with the given numbers (N,): each image has its own stream, whatever batch it is in."""

    def __init__(self, backend: Backend, key: Any, numbers: Tensor) -> None:
        super().__init__(backend)
        self.step = ops.zeros((), "int32")
        self._count = int(numbers.shape[0])
        self._key = key
        self._keys = backend.fold_in(key, numbers)

    def uniform(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        if shape[0] != self._count:
            raise ValueError(f"axis 0 of noise is the image: expected {self._count}, received shape {shape}")
        return _in_floatx(self._backend.uniform(self._next_key(self._keys, index), shape))


def part_of(array: Tensor, part: int | Tensor, parts: int) -> Tensor:
    """The part-th of equal parts of an array's first axis."""
    return ops.reshape(array, (parts, array.shape[0] // parts, *array.shape[1:]))[part]  # (N, ...) to (parts, n, ...)


def _in_floatx(tensor: Tensor) -> Tensor:
    """In float64 where all is computed in it."""
    return ops.cast(tensor, keras.config.floatx())


def _known(index: Tensor) -> int | None:
    """The number of a loop's turn; None while its body is traced, which is once for all turns."""
    try:
        return int(index)
    except TypeError:
        return None
