"""Which backend Keras runs on. It must be chosen before Keras is imported, so this module imports nothing of it."""

import os
import sys
from importlib.util import find_spec

from zoo_core.errors import UsageError

BACKENDS = ("jax", "torch", "tensorflow")
DEFAULT = "jax"  # it comes with zoo-core


def use_backend(name: str) -> None:
    """Make Keras run on this backend: "jax", "torch", "tensorflow", or "auto", which is KERAS_BACKEND or else jax.

    Raises:
        UsageError: if it is not installed, or Keras runs on another one already.
    """
    if name == "auto":
        name = os.environ.get("KERAS_BACKEND") or DEFAULT
    if name not in BACKENDS:
        raise UsageError(f"Expected a backend of {', '.join(BACKENDS)}, received '{name}'.", "Mind KERAS_BACKEND too.")
    if find_spec(name) is None:
        raise UsageError(f"The backend {name} is not installed.", f"pip install 'zoo-core[{name}]'")
    if "keras" in sys.modules and (running := running_backend()) != name:
        raise UsageError(
            f"Keras runs on {running} already, so {name} can't be chosen any more.",
            f"Set KERAS_BACKEND={name} before Python starts.",
        )
    os.environ["KERAS_BACKEND"] = name


def running_backend() -> str:
    """The backend that Keras runs on, or will run on once it is imported."""
    if "keras" in sys.modules:
        return sys.modules["keras"].backend.backend()
    return os.environ.get("KERAS_BACKEND") or DEFAULT
