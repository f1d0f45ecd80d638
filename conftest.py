"""Tests compile hundreds of small networks and run each a few times: so XLA is to be quick, not thorough."""

import os

from hypothesis import settings

os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
settings.register_profile("zoo", deadline=None)  # what is slow is slow on a machine with other work
settings.load_profile("zoo")
