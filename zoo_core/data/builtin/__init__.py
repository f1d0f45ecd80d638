"""The core's own data sets, which `zoo_core.builtin` names: whether they are at hand, and loading them."""

from zoo_core.data.builtin.loading import at_hand, load_builtin, open_builtin

__all__ = ["at_hand", "load_builtin", "open_builtin"]
