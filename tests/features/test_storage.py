"""Weights files come from strangers: whatever is wrong with one is a message, and nothing outside of it is touched."""

from datetime import timedelta

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core.errors import UsageError, ZooError
from zoo_core.features import storage


def test_a_file_gives_back_what_was_saved(hasty, tmp_path):
    network, info = storage.load(hasty.read_bytes(), "hasty.h5")
    assert info.data == "digits@8"
    assert info.image_shape == (8, 8, 1)
    assert info.recipe.seed == 7
    again = tmp_path / "again.h5"
    assert storage.save(again, network, info) == storage.sha256(hasty.read_bytes())
    assert again.read_bytes() == hasty.read_bytes()


def replaced(values=None, **arguments):
    def change(file):
        del file["logits.bias"]
        file.create_dataset("logits.bias", data=values, **arguments)

    return change


def external_link(file):
    del file["logits.bias"]
    file["logits.bias"] = h5py.ExternalLink("elsewhere.h5", "logits.bias")


def attribute(key, value):
    def change(file):
        file.attrs[key] = np.bytes_(value) if isinstance(value, str) else value

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (external_link, "'logits.bias' should be a data set within"),
        (replaced(shape=(10,), dtype="f4", external=[("/dev/zero", 0, 40)]), "'logits.bias' should be contiguous"),
        (replaced(np.zeros(10)), r"should be float32 \(10,\), received float64"),
        (replaced(np.zeros(11, np.float32)), r"received float32 \(11,\)"),
        (replaced(np.ones(10, np.float32)), "checksum"),
        (lambda file: file.__delitem__("logits.bias"), "missing or unknown weights: logits.bias"),
        (lambda file: file.create_dataset("more", data=1), "missing or unknown weights: more"),
        (attribute("format", "zoo-dataset"), "'format' should be 'zoo-classifier'"),
        (attribute("schema", 2), "reads schema 1, received 2"),
        (attribute("classes", "[]"), "classes"),
        (attribute("classes", '["0", "1"]'), "logits"),
        (attribute("classes", 3), "'classes' should be a text"),
        (attribute("classes", "no JSON"), "Expecting value"),
        (attribute("image_shape", "[100000, 100000, 3]"), "image_shape"),
        (attribute("image_shape", "[8, 8, 2]"), "image_shape"),
        (attribute("image_shape", "[16, 16, 1]"), "penultimate"),
        (attribute("recipe", '{"steps": -1}'), "recipe"),
        (attribute("test_accuracy", "NaN"), "test_accuracy"),
        (lambda file: file.attrs.__delitem__("data"), "data"),
    ],
)
def test_an_altered_file_is_refused(hasty, tmp_path, change, reason):
    path = tmp_path / "altered.h5"
    path.write_bytes(hasty.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ZooError, match=reason) as caught:
        storage.load(path.read_bytes(), "altered.h5")
    assert caught.value.message.startswith("'altered.h5' is not a classifier's weights file")
    assert "\n" not in caught.value.message
    assert "zoo classifier train" in caught.value.hint


def test_weights_that_are_not_finite_are_refused(hasty, tmp_path):
    network, info = storage.load(hasty.read_bytes(), "hasty.h5")
    network.get_layer("logits").bias.assign(np.full(10, np.nan))
    storage.save(tmp_path / "nan.h5", network, info)
    with pytest.raises(ZooError, match=r"'logits\.bias' should be finite"):
        storage.load((tmp_path / "nan.h5").read_bytes(), "nan.h5")


@given(data=st.data())
@settings(deadline=timedelta(seconds=10), max_examples=150)
def test_a_damaged_file_is_refused_or_read_never_worse(data, damaged, hasty):
    content = hasty.read_bytes()
    try:
        network, info = storage.load(data.draw(damaged(content)), "damaged.h5")
    except ZooError:
        return
    whole_network, whole_info = storage.load(content, "hasty.h5")
    assert info == whole_info
    for variable, whole in zip(network.weights, whole_network.weights, strict=True):
        np.testing.assert_array_equal(variable, whole)


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(hasty, share):
    content = hasty.read_bytes()
    with pytest.raises(ZooError, match="not a classifier's weights file"):
        storage.load(content[: int(share * len(content))], "cut.h5")


def test_something_else_is_refused():
    with pytest.raises(ZooError, match="not a classifier's weights file"):
        storage.load(b"PK\x03\x04" * 1000, "model.keras")


def test_a_missing_file_and_a_huge_one_are_told_apart(tmp_path):
    with pytest.raises(UsageError, match="There is no weights file"):
        storage.read_bytes(tmp_path / "missing.h5")
    with pytest.raises(UsageError, match="There is no weights file"):
        storage.read_bytes(tmp_path)
    with (tmp_path / "huge.h5").open("wb") as file:
        file.truncate(storage.MAX_BYTES + 1)
    with pytest.raises(ZooError, match="64 MiB"):
        storage.read_bytes(tmp_path / "huge.h5")
