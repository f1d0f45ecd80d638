"""The built-in data sets: what they are, whether they are at hand, and loading them."""

from zoo_core.data.builtin.loading import at_hand, load_builtin
from zoo_core.data.builtin.records import BUILTIN, BuiltinSet

__all__ = ["BUILTIN", "BuiltinSet", "at_hand", "load_builtin"]
