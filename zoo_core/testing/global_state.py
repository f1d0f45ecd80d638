"""What belongs to the whole process, and no plugin may change."""

import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np

from zoo_core.isolation import fresh_random_state


class _Piece(NamedTuple):
    """A piece of global state: what it is called, how to read it as a value that can be compared, how to set it. None
    is read of a package that is not imported: then there is no state that anybody relies on."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]


def _numpy_state() -> tuple[Any, ...]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002  # the global one is what is looked at
    return kind, tuple(keys), *rest


def _torch_state() -> list[int] | None:
    torch = sys.modules.get("torch")
    return torch.get_rng_state().tolist() if torch else None


def _set_torch_state(state: list[int]) -> None:
    torch = sys.modules["torch"]
    torch.set_rng_state(torch.tensor(state, dtype=torch.uint8))


def _jax_settings() -> dict[str, Any] | None:
    jax = sys.modules.get("jax")
    return dict(jax.config.values) if jax else None


def _set_jax_settings(settings: dict[str, Any]) -> None:
    config = sys.modules["jax"].config
    for name, value in config.values.items():
        if value != settings[name]:
            config.update(name, settings[name])


def _set_environment(values: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(values)


def _set_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]


PIECES = (
    _Piece("the environment variables", lambda: dict(os.environ), _set_environment),
    _Piece("the filters of warnings", lambda: list(warnings.filters), _set_filters),
    _Piece("the random state of Python", random.getstate, random.setstate),
    _Piece("the random state of NumPy", _numpy_state, np.random.set_state),
    _Piece("the random state of torch", _torch_state, _set_torch_state),
    _Piece("the settings of JAX", _jax_settings, _set_jax_settings),
    _Piece("Keras' backend", keras.config.backend, lambda name: None),
    _Piece("Keras' floatx", keras.config.floatx, keras.config.set_floatx),
    _Piece("Keras' dtype policy", keras.config.dtype_policy, keras.config.set_dtype_policy),
    _Piece("Keras' image data format", keras.config.image_data_format, keras.config.set_image_data_format),
)


@contextmanager
def watched(changed: set[str]) -> Iterator[None]:
    """After this scope global state is what it was before it; the names of what had changed are added to a set."""
    with fresh_random_state():
        before = [piece.read() for piece in PIECES]
        try:
            yield
        finally:
            for piece, value in zip(PIECES, before, strict=True):
                if value is not None and piece.read() != value:
                    changed.add(piece.name)
                    piece.write(value)
