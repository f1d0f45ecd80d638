"""Prepared files of a few images, made on the spot."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from zoo_core.data.dataset import SPLITS, digest
from zoo_core.data.hdf5 import ORIGINS, Columns, Prepared
from zoo_core.data.writing import Header, write_prepared


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[..., Prepared]:
    """`prepare({"train": images, …}, classes=…, labels={"train": numbers, …}, origin="folder", confidence=1)`: a
    prepared file of these images, all with inputs that are their negatives."""

    def make(
        images: dict[str, np.ndarray],
        classes: Sequence[str] = (),
        labels: dict[str, np.ndarray] | None = None,
        origin: str = "folder",
        confidence: float = 1,
    ) -> Prepared:
        def columns(split: str) -> Columns:
            found = images[split]
            names = [f"{split}/{number:04d}.png".encode() for number in range(len(found))]
            hashes = np.frombuffer(b"".join(map(digest, found)), np.uint8).reshape(-1, 32)
            filled = {"images": found, "inputs": 255 - found, "hashes": hashes, "paths": np.array(names, "S19")}
            if labels is None:
                return filled
            there = labels[split] >= 0
            origins = np.where(there, ORIGINS.index(origin), 0).astype("u1")
            confidences = np.where(there, confidence, 0).astype("<f4")
            stated = {"label_origins": origins, "label_confidences": confidences}
            return filled | stated | {"labels": labels[split].astype("<i4")}

        counts = {split: len(images[split]) for split in SPLITS}
        like = {name: column[:1] for name, column in columns("train").items()}
        path = tmp_path / "set.h5"
        header = Header("set", classes, counts, like, {"source": "here"})
        write_prepared(path, header, ((split, columns(split)) for split in SPLITS))
        return Prepared(path)

    return make
