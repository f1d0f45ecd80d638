"""A source that is written down, and folders of pictures."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo_core.data.collecting import ImageSource, Item


class Written(ImageSource):
    """Items and what is read of them, as given; `order` is that of the listing."""

    label_origin = "array"

    def __init__(self, items: list[Item], images: dict[str, np.ndarray], order: int = 1) -> None:
        super().__init__("written")
        self._items, self._images, self._order = items, images, order

    def items(self) -> Iterator[Item]:
        yield from self._items[:: self._order]

    def read(self, item: Item) -> bytes | np.ndarray:
        return self._images[item.path]

    def fingerprint(self) -> str:
        return f"{len(self._items)}"


@pytest.fixture
def written() -> Callable[..., Written]:
    """`written({"cat/1": ("train", "cat"), …})`: random 12x12 images of these splits and labels."""

    def make(named: dict[str, tuple[str | None, str | None]], order: int = 1, **given: np.ndarray) -> Written:
        rng = np.random.default_rng(0)
        images = {path: rng.integers(0, 256, (12, 12, 3), "uint8") for path in named}
        items = [Item(path, split, label) for path, (split, label) in named.items()]
        return Written(items, images | given, order)

    return make


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A messy folder: 40 cats and 20 dogs of several sizes, and of everything else one."""
    rng, folder = np.random.default_rng(1), tmp_path / "photos"
    for number in range(60):
        label = "dog" if number % 3 == 2 else "cat"
        (folder / label).mkdir(parents=True, exist_ok=True)
        # Smooth, as photographs are: so that they can be told from each other by what is large in them.
        rough = Image.fromarray(rng.integers(0, 256, (4, 4, 3), "uint8"))
        rough.resize((30 + number % 5, 24), Image.Resampling.BICUBIC).save(folder / label / f"{number:02}.png")
    whole = (folder / "cat" / "00.png").read_bytes()
    (folder / "cat" / "copy.png").write_bytes(whole)
    (folder / "cat" / "half.png").write_bytes(whole[: len(whole) // 2])
    (folder / "cat" / "page.jpg").write_text("<html>404</html>")
    (folder / "cat" / "notes.txt").write_text("my cats")
    Image.new("RGB", (30, 30), "white").save(folder / "dog" / "blank.png")
    Image.new("L", (5, 30), 3).save(folder / "dog" / "small.png")
    return folder
