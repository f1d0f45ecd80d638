"""Tests compile thousands of small networks and run each a few times: so XLA is to be quick, not thorough, and to keep
what it has compiled, for the next time too."""

import os
import platform
import sys

import platformdirs
import pytest
from hypothesis import settings

os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
worker = os.environ.get("PYTEST_XDIST_WORKER", "main")  # each keeps its own: JAX reads what another is still writing
compiled = platformdirs.user_cache_path("zoo") / "xla-tests" / platform.node() / worker
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(compiled))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
settings.register_profile("zoo", deadline=None)  # what is slow is slow on a machine with other work
settings.load_profile("zoo")


@pytest.fixture(autouse=True)
def same_weights_in_every_run() -> None:
    """Layers that are built without a seed start from Keras' own, which differs from process to process."""
    if keras := sys.modules.get("keras"):  # else: the test that imports it chooses the backend
        keras.utils.set_random_seed(0)
