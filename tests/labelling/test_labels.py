from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zoo_core.data import SPLITS, hdf5
from zoo_core.data.hdf5 import ORIGINS, Prepared
from zoo_core.errors import UsageError
from zoo_core.labelling import Labels, relabel

Prepare = Callable[..., Prepared]
COUNTS = {"train": 11, "validation": 2, "test": 3}


def images() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {split: random.integers(0, 256, (count, 4, 5, 3), np.uint8) for split, count in COUNTS.items()}


def labels() -> Labels:
    columns = {
        split: {
            "labels": (np.arange(count) % 3).astype("<i4"),
            "label_origins": np.full(count, ORIGINS.index("cluster"), "u1"),
            "label_confidences": np.linspace(0, 1, count, dtype="<f4"),
        }
        for split, count in COUNTS.items()
    }
    return Labels(classes=("x", "y", "z"), columns=columns, method={"method": "clusters", "k": 3})


@pytest.mark.parametrize("labelled", [False, True])
def test_the_same_images_with_other_labels(
    prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labelled: bool
):
    monkeypatch.setattr(hdf5, "CHUNK", 4 * 4 * 5 * 3)  # several parts, the last one shorter
    old = {split: np.zeros(count, int) for split, count in COUNTS.items()}
    before = prepare(images(), ("old",) if labelled else (), old if labelled else None)
    kept = relabel(before, labels(), tmp_path / "out.h5")
    assert {split: there.tolist() for split, there in kept.items()} == {s: [True] * n for s, n in COUNTS.items()}
    after = Prepared(tmp_path / "out.h5")
    after.verify()
    assert after.content_hash != before.content_hash
    assert after.classes == ("x", "y", "z")
    assert after.name == "set"
    assert after.provenance == {"source": "here", "labelling": {"method": "clusters", "k": 3}}
    for split in SPLITS:
        for name, column in {**before.columns(split), **labels().columns[split]}.items():
            assert np.array_equal(after.columns(split)[name], column), name
    assert after.dataset().classes == ("x", "y", "z")


def test_a_file_can_be_relabelled_in_place(prepare: Prepare):
    before = prepare(images())
    relabel(before, labels(), before.path)
    after = Prepared(before.path)
    after.verify()
    assert np.array_equal(after.columns("train")["images"], images()["train"])
    assert after.classes == ("x", "y", "z")


def unlabelled(**numbers: list[int]) -> Labels:
    """Those of `labels`, but for the images of these numbers in their splits."""
    found = labels()
    for split, chosen in numbers.items():
        found.columns[split]["labels"][chosen] = -1
    return found


def test_images_without_a_label_are_kept_or_dropped(prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hdf5, "CHUNK", 4 * 4 * 5 * 3)
    before, some = prepare(images()), unlabelled(train=[0, 5, 10], test=[1])
    relabel(before, some, tmp_path / "kept.h5")
    assert Prepared(tmp_path / "kept.h5").counts == COUNTS
    kept = relabel(before, some, tmp_path / "dropped.h5", drop_unlabelled=True)
    assert np.flatnonzero(~kept["train"]).tolist() == [0, 5, 10]
    after = Prepared(tmp_path / "dropped.h5")
    after.verify()
    assert after.counts == {"train": 8, "validation": 2, "test": 2}
    rest = np.delete(np.arange(11), [0, 5, 10])
    for name, column in {**before.columns("train"), **some.columns["train"]}.items():
        assert np.array_equal(after.columns("train")[name], column[rest]), name
    assert after.dataset().classes == ("x", "y", "z")


def test_a_split_of_which_nothing_would_be_left_is_refused(prepare: Prepare, tmp_path: Path):
    with pytest.raises(UsageError, match="No image of validation has got a label"):
        relabel(prepare(images()), unlabelled(validation=[0, 1]), tmp_path / "out.h5", drop_unlabelled=True)
    assert not (tmp_path / "out.h5").exists()
