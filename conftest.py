"""Tests compile hundreds of small networks and run each a few times: so XLA is to be quick, not thorough."""

import os

os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
