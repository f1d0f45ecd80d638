import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo_core.data import SPLITS, Prepared, load_dataset
from zoo_core.data.hdf5 import ORIGINS
from zoo_core.data.preparing import PreparationReport
from zoo_core.errors import Interrupted, UsageError
from zoo_core.labelling.prepare import Labelling, prepare_dataset


def test_images_without_labels_get_clusters(tmp_path: Path):
    labelling = Labelling(how="auto:4", features="pixels")
    report = prepare_dataset("digits@8", tmp_path / "set.h5", labelling=labelling, workers=1)
    assert list(report.classes) == ["cluster-00", "cluster-01", "cluster-02", "cluster-03"]
    assert report.unlabelled == 0
    assert report.labelling is not None
    assert report.labelling["k"] == 4
    prepared = Prepared(tmp_path / "set.h5")
    prepared.verify()
    assert prepared.content_hash == report.content_hash
    assert set(prepared.columns("test")["label_origins"]) == {5}
    assert load_dataset(f"h5:{tmp_path / 'set.h5'}").spec.labelled


def listed(folder: Path, labels: dict[str, str], again: Sequence[str] = ()) -> str:
    """A CSV of image files: `digit/000`, … of handwritten digits and `both/000`, … of two upon each other, with these
    labels; some are listed again, without one."""
    digits = load_dataset("digits").images("train")[..., 0]
    for number in range(30):
        for kind, image in (("digit", digits[number]), ("both", np.maximum(digits[number], digits[30 + number]))):
            path = folder / kind / f"{number:03}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(image).save(path)
    names = [f"{kind}/{number:03}" for kind in ("digit", "both") for number in range(30)]
    lines = [f"{name}.png,{labels.get(name, '')}" for name in names] + [f"{name}.png," for name in again]
    (folder / "list.csv").write_text("\n".join(["path,label", *lines]))
    return str(folder / "list.csv")


def labels_of(prepared: Prepared) -> dict[str, tuple[int, str, float]]:
    """By path without extension: the label, where it comes from, and its confidence."""
    return {
        path.decode().removesuffix(".png"): (int(label), ORIGINS[origin], float(confidence))
        for split in SPLITS
        for path, label, origin, confidence in zip(
            *(prepared.columns(split)[name] for name in ("paths", "labels", "label_origins", "label_confidences")),
            strict=True,
        )
    }


SURE = Labelling(how="from-classifier:digits", confidence=0.999)


def test_a_classifier_labels_what_it_is_sure_of_and_the_rest_is_dropped_and_listed(tmp_path: Path):
    out = tmp_path / "set.h5"
    report = prepare_dataset([listed(tmp_path, {})], out, {"unlabelled": "drop"}, labelling=SURE, workers=1)
    prepared, truth = Prepared(out), load_dataset("digits").labels("train")
    found = labels_of(prepared)
    left = 60 - len(found)
    assert 15 < left < 30
    assert report.set_aside == {"unlabelled": left}
    told = json.loads(out.with_suffix(".report.json").read_text())["images_set_aside"]
    assert len(told) == left
    assert all(entry["path"].startswith("both/") for entry in told)
    assert not {entry["path"].removesuffix(".png") for entry in told} & set(found)
    assert all(origin == "classifier" and confidence >= 0.999 for _, origin, confidence in found.values())
    digits = {name: label for name, (label, _, _) in found.items() if name.startswith("digit/")}
    assert all(label == truth[int(name[-3:])] for name, label in digits.items())


def test_labels_of_the_source_stay_and_the_classifier_fills_in_the_others(tmp_path: Path):
    given = {"digit/000": "4", "digit/001": "none of them", "both/000": "7"}
    report = prepare_dataset([listed(tmp_path, given)], tmp_path / "set.h5", labelling=SURE, workers=1)
    found = labels_of(Prepared(tmp_path / "set.h5"))
    assert found["digit/000"] == (4, "table", 1)
    assert found["both/000"] == (7, "table", 1)
    assert found["digit/001"][1] == "classifier"
    assert report.labelling is not None
    assert report.labelling["kept"] == 2


def test_of_an_image_that_is_listed_twice_one_may_be_dropped(tmp_path: Path):
    source = listed(tmp_path, {"both/000": "7"}, again=["both/000", "both/002"])
    rules = {"unlabelled": "drop", "duplicates": "report"}
    prepare_dataset([source], tmp_path / "set.h5", rules, labelling=SURE, workers=1)
    told = json.loads((tmp_path / "set.report.json").read_text())["images_set_aside"]
    dropped = Counter(entry["path"] for entry in told)
    assert dropped["both/000.png"] == 1
    assert dropped["both/002.png"] == 2
    prepared = Prepared(tmp_path / "set.h5")
    assert sum(dropped.values()) + sum(prepared.counts.values()) == 62
    assert labels_of(prepared)["both/000"] == (7, "table", 1)


def test_what_was_dropped_counts_only_once_the_file_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    source, out, rules = listed(tmp_path, {}), tmp_path / "set.h5", {"unlabelled": "drop"}
    with monkeypatch.context() as patch:
        patch.setattr("zoo_core.data.preparing.pipeline.write_report", stop)
        with pytest.raises(Interrupted):
            prepare_dataset([source], out, rules, labelling=SURE, workers=1)
    less_sure = Labelling(how="from-classifier:digits", confidence=0)
    assert prepare_dataset([source], out, rules, labelling=less_sure, workers=1).set_aside == {}


def test_origins_and_confidences_outlive_another_preparation(tmp_path: Path):
    labelling = Labelling(how="auto:3", features="pixels")
    prepare_dataset([listed(tmp_path, {})], tmp_path / "one.h5", labelling=labelling, workers=1)
    prepare_dataset([str(tmp_path / "one.h5")], tmp_path / "two.h5", workers=1)
    found = labels_of(Prepared(tmp_path / "two.h5"))
    assert found == labels_of(Prepared(tmp_path / "one.h5"))
    assert {origin for _, origin, _ in found.values()} == {"cluster"}
    assert len({confidence for _, _, confidence in found.values()}) > 10


@pytest.mark.parametrize(
    ("labelling", "message"),
    [
        (Labelling(how="auto:1"), "2 clusters or more, received auto:1"),
        (Labelling(how="auto", features="inceptoin"), "Unknown feature network 'inceptoin'. Did you mean 'inception'"),
        (Labelling(how="auto", weights=Path("nowhere.h5")), "no weights file 'nowhere.h5'"),
        (Labelling(how="from-classifier:nowhere.h5"), "no weights file 'nowhere.h5'"),
    ],
)
def test_what_can_be_known_to_be_wrong_is_told_before_an_image_is_read(
    tmp_path: Path, labelling: Labelling, message: str
):
    def never(what: str, done: int, total: int) -> None:
        raise AssertionError(what)

    with pytest.raises(UsageError, match=message):
        prepare_dataset(["digits"], tmp_path / "set.h5", labelling=labelling, workers=1, progress=never)
    assert list(tmp_path.iterdir()) == []


def test_labels_that_do_not_come_about_cost_no_decoding(tmp_path: Path):
    source, told = listed(tmp_path, {}), []

    def prepared(how: str) -> PreparationReport:
        told.clear()
        return prepare_dataset(
            [source],
            tmp_path / "set.h5",
            labelling=Labelling(how=how, features="pixels"),
            workers=1,
            progress=lambda what, done, total: told.append((what, done)),
        )

    with pytest.raises(UsageError, match=r"from 2 to .* clusters; received 99.*What was done so far is kept"):
        prepared("auto:99")
    assert ("cleaning", 0) in told
    assert prepared("auto:2").unlabelled == 0
    assert ("cleaning", 0) not in told
    assert ("cleaning", 60) in told


def test_a_pattern_and_no_labels_exclude_each_other(tmp_path: Path):
    for how in ("none", "auto:3"):
        with pytest.raises(UsageError, match=r"the pattern '\.' is for labels of the source"):
            prepare_dataset(["digits"], tmp_path / "set.h5", {"pattern": "."}, labelling=Labelling(how=how), workers=1)


@pytest.mark.parametrize("how", ["guess", "auto:many", "from-classifier", "from-classifier:"])
def test_unknown_ways_are_refused(tmp_path: Path, how: str):
    with pytest.raises(UsageError, match="Labels should be source, none, auto, auto:K or from-classifier:FILE"):
        prepare_dataset(["digits"], tmp_path / "set.h5", labelling=Labelling(how=how), workers=1)
    with pytest.raises(UsageError, match="One size is needed, received 8x8 and 16x16"):
        prepare_dataset(["digits@8"], tmp_path / "set.h5", {"size": (16, 16)}, workers=1)
