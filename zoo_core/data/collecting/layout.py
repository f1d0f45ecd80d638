"""What the folders around an image file say: its split and its label.

CLASS/…/*.png                    classes
*.png                            no labels
{train,test}/… [validation|val]  splits, each as one of the above
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from zoo_core.errors import UsageError

SPLIT_FOLDERS = {"train": "train", "test": "test", "validation": "validation", "val": "validation"}
"""The folders that may be splits, and which."""


class Layout(NamedTuple):
    """Args:
    top: the folder that everything lies in and that is stepped over; "" for none.
    splits: folders that are splits, and which.
    """

    top: str
    splits: Mapping[str, str]

    def within(self, path: str) -> str:
        """The path of an image file from where it counts."""
        return path.removeprefix(f"{self.top}/") if self.top else path

    def split_and_label(self, path: str) -> tuple[str | None, str | None]:
        """Of an image file, by its path from there."""
        folders = path.split("/")[:-1]
        split = self.splits.get(folders[0]) if folders else None
        if split is not None:
            folders = folders[1:]
        return split, folders[0] if folders else None


def split_folders(names: Collection[str], source: str) -> dict[str, str]:
    """Which of the outermost folders are splits, and which ones; {} where they are not, or none.

    Args:
        source: its name, for messages.

    Raises:
        UsageError: for two folders of validation images, or for train and validation without test.
    """
    found = [name for name in SPLIT_FOLDERS if name in names]
    validation = [name for name in found if SPLIT_FOLDERS[name] == "validation"]
    if len(validation) > 1:
        raise UsageError(f"'{source}' has both 'validation' and 'val'.", "Rename or remove one of them.")
    if "train" in found and validation and "test" not in found:
        raise UsageError(
            f"'{source}' has 'train' and '{validation[0]}', but no 'test'.",
            f"Rename '{validation[0]}' to 'test': a validation split is then carved from 'train'.",
        )
    return {name: SPLIT_FOLDERS[name] for name in found} if {"train", "test"} <= set(found) else {}


def layout_of(paths: Iterable[str], source: str) -> Layout:
    """That of an archive, from the paths of its images: a single folder that everything lies in is stepped over.

    Raises:
        UsageError: as `split_folders`.
    """
    tops: set[str] = set()
    outer: set[str] = set()
    inner: set[str] = set()
    for path in paths:
        folders = path.split("/")[:-1]
        if len(tops) < 2:
            tops.add(folders[0] if folders else "")
        outer |= SPLIT_FOLDERS.keys() & folders[:1]
        inner |= SPLIT_FOLDERS.keys() & folders[1:2]
    if len(tops) == 1 and (top := tops.pop()):
        return Layout(top, split_folders(inner, source))
    return Layout("", split_folders(outer, source))


def harmless(name: str) -> str:
    """A path of an archive or a table as a path within it: not absolute, and without `..`."""
    return "/".join(part for part in name.split("/") if part not in ("", ".", ".."))
