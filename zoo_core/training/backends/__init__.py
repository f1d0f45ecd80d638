"""JAX, torch and TensorFlow behind one interface: a file each, imported when Keras runs on it."""

from functools import cache

import keras

from zoo_core.errors import UsageError
from zoo_core.keras_backend import BACKENDS
from zoo_core.training.backends.base import Arrays, Backend

__all__ = ["Arrays", "Backend", "backend"]


@cache
def backend() -> Backend:
    """That of the running Keras.

    Raises:
        UsageError: where it runs on one that can't train.
    """
    name = keras.backend.backend()
    if name not in BACKENDS:
        raise UsageError(f"Keras runs on {name}, expected one of {', '.join(BACKENDS)}.", "Set KERAS_BACKEND=jax.")
    if name == "torch":
        from zoo_core.training.backends.torch import TorchBackend

        return TorchBackend()
    if name == "tensorflow":
        from zoo_core.training.backends.tensorflow import TensorFlowBackend

        return TensorFlowBackend()
    from zoo_core.training.backends.jax import JaxBackend

    return JaxBackend()
