"""What numbers a model computes in."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import keras
from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE

from zoo_core.errors import UsageError
from zoo_core.training.backends import backend

POLICIES = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",  # Micikevicius et al. 2018: weights and updates stay float32
    "float16": "mixed_float16",
    "float64": "float64",
}


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Networks built within this scope compute in `precision`, a key of `POLICIES`; trace their steps within it too.

    Raises:
        UsageError: where the backend does not train in it.
    """
    if precision not in backend().precisions:
        raise UsageError(
            f"The backend {backend().name} trains in {', '.join(backend().precisions)}, received '{precision}'.",
            "Choose one of these, or another backend.",
        )
    policy, floatx = keras.config.dtype_policy(), keras.config.floatx()
    wide = precision == "float64"
    with backend().wide_floats(wide), _float64_stays() if wide else nullcontext():
        keras.config.set_dtype_policy(POLICIES[precision])
        keras.config.set_floatx("float64" if wide else "float32")
        try:
            yield
        finally:
            keras.config.set_dtype_policy(policy)
            keras.config.set_floatx(floatx)


@contextmanager
def _float64_stays() -> Iterator[None]:
    """By itself Keras computes means and batch statistics of float64 in float32, except on TensorFlow."""
    narrow = BIT64_TO_BIT32_DTYPE["float64"]
    BIT64_TO_BIT32_DTYPE["float64"] = "float64"
    try:
        yield
    finally:
        BIT64_TO_BIT32_DTYPE["float64"] = narrow
