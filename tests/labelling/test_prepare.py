import json
from pathlib import Path

import pytest

from zoo_core.data import Prepared, load_dataset
from zoo_core.errors import UsageError
from zoo_core.labelling.prepare import Labelling, prepare_dataset


def test_images_without_labels_get_clusters(tmp_path: Path):
    labelling = Labelling(how="auto:4", features="pixels")
    report = prepare_dataset(["digits@8"], tmp_path / "set.h5", labelling=labelling, workers=1)
    assert list(report.classes) == ["cluster-00", "cluster-01", "cluster-02", "cluster-03"]
    assert report.unlabelled == 0
    assert report.labelling is not None
    assert report.labelling["k"] == 4
    prepared = Prepared(tmp_path / "set.h5")
    prepared.verify()
    assert prepared.content_hash == report.content_hash
    assert set(prepared.columns("test")["label_origins"]) == {5}
    assert load_dataset(f"h5:{tmp_path / 'set.h5'}").spec.labelled


def test_a_classifier_labels_what_it_is_sure_of_and_the_rest_is_dropped_and_listed(tmp_path: Path):
    labelling = Labelling(how="from-classifier:digits", confidence=0.999)
    out = tmp_path / "set.h5"
    report = prepare_dataset(["digits"], out, {"unlabelled": "drop"}, labelling=labelling, workers=1)
    prepared, digits = Prepared(out), load_dataset("digits")
    left = sum(digits.spec.splits.values()) - sum(prepared.counts.values())
    assert 0 < left < 400
    assert report.set_aside == {"unlabelled": left}
    told = json.loads(out.with_suffix(".report.json").read_text())["images_set_aside"]
    assert len(told) == left
    kept = {path.decode() for path in prepared.columns("test")["paths"]}
    assert not kept & {entry["path"] for entry in told}
    columns = prepared.columns("test")
    assert columns["label_confidences"].min() >= 0.999
    truth = {f"test/{number:06}": label for number, label in enumerate(digits.labels("test"))}
    right = [truth[path.decode()] == label for path, label in zip(columns["paths"], columns["labels"], strict=True)]
    assert sum(right) / len(right) > 0.99


@pytest.mark.parametrize("how", ["guess", "auto:many", "from-classifier", "from-classifier:"])
def test_unknown_ways_are_refused(tmp_path: Path, how: str):
    with pytest.raises(UsageError, match="Labels should be source, none, auto, auto:K or from-classifier:FILE"):
        prepare_dataset(["digits"], tmp_path / "set.h5", labelling=Labelling(how=how), workers=1)
    with pytest.raises(UsageError, match="One size is needed, received 8x8 and 16x16"):
        prepare_dataset(["digits@8"], tmp_path / "set.h5", {"size": (16, 16)}, workers=1)
