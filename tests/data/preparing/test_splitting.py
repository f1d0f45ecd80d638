"""Images that are alike stay together, also where they are so only by others between them."""

import json

import numpy as np
import pytest

from zoo_core.data import SPLITS, Prepared
from zoo_core.data.preparing import Rules, prepare
from zoo_core.data.preparing.engines import LocalEngine

ONE = LocalEngine(1)
LEVELS = {"a": 0, "c": 30, "b": 15}
"""The hashes of three images, as that many set bits: b is near both others, and follows a."""


@pytest.fixture
def chained(written, monkeypatch):
    """`chained({"x/a": split, …})`: a source of 30 images a split beside these, whose names say what they are near."""

    def make(named: dict[str, str | None]):
        others = {f"{split}/{number}": split for split in dict.fromkeys(named.values()) for number in range(30)}
        names = {path: (split, None) for path, split in {**named, **others}.items()}
        rng = np.random.default_rng(0)
        images = {path: rng.integers(0, 256, (12, 12, 3), "uint8") for path in names}
        levels = {images[path].tobytes(): LEVELS[path[-1]] for path in named}

        def hashed(image: np.ndarray) -> bytes:
            if (level := levels.get(image.tobytes())) is None:
                return np.random.default_rng(image.ravel()).bytes(32)
            return np.packbits(np.arange(256) < level).tobytes()

        monkeypatch.setattr("zoo_core.data.preparing.shards.perceptual_hash", hashed)
        monkeypatch.setattr("zoo_core.data.preparing.pipeline.open_source", lambda *_: written(names, **images))

    return make


def test_what_is_linked_by_a_duplicate_between_goes_into_one_split(chained, tmp_path):
    named = dict.fromkeys(f"x/{name}" for name in LEVELS)
    chained(named)
    report = prepare(["written"], tmp_path / "set.h5", Rules(duplicates="report", ratio=(0.4, 0.3, 0.3)), engine=ONE)
    prepared = Prepared(tmp_path / "set.h5")
    home = [split for split in SPLITS for path in prepared.columns(split)["paths"] if path.decode() in named]
    assert len(home) == 3
    assert len(set(home)) == 1
    assert report.duplicates == 1
    told = json.loads((tmp_path / "set.report.json").read_text())["duplicates_kept"]
    assert {(entry["path"], entry["of"], entry["distance"]) for entry in told} == {
        ("x/b", "x/a", 15),
        ("x/c", "x/a", None),
    }


def test_an_overlap_by_a_duplicate_between_is_told(chained, tmp_path):
    chained({"x/a": "train", "x/b": "train", "x/c": "test"})
    report = prepare(["written"], tmp_path / "set.h5", Rules(duplicates="report"), engine=ONE)
    assert report.overlap == 2  # a and b; c of test comes first
