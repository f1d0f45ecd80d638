"""Where images come from: folders, archives, arrays, lists and the built-in sets, all listed and read alike."""

from zoo_core.data.collecting.base import ImageSource, Item
from zoo_core.data.collecting.opening import open_source

__all__ = ["ImageSource", "Item", "open_source"]
