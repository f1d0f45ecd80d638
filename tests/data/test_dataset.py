import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_core.data import SPLITS, Dataset, Split, read_h5, write_h5
from zoo_core.data.dataset import carve_all, carve_validation
from zoo_core.data.degradation import Degradation
from zoo_core.errors import UsageError


def splits(seed: int = 0, labelled: bool = True) -> dict[str, Split]:
    rng = np.random.default_rng(seed)
    return {
        split: Split(
            rng.integers(0, 256, (count, 4, 3, 1)).astype(np.uint8),
            rng.integers(0, 2, count).astype(np.int32) if labelled else None,
        )
        for split, count in zip(SPLITS, (8, 2, 3), strict=True)
    }


def content_hash(content: dict[str, Split], classes: tuple[str, ...] = ("a", "b")) -> str:
    return Dataset("any", content, classes).spec.content_hash


def test_the_spec_tells_fields_classes_and_counts():
    spec = Dataset("mine", splits(), ("a", "b")).spec
    assert spec.name == "mine"
    assert spec.image_shape == (4, 3, 1)
    assert spec.fields["images"].dtype == "float32"
    assert spec.fields["labels"] == ((), "int32")
    assert spec.classes == ("a", "b")
    assert spec.splits == {"train": 8, "validation": 2, "test": 3}


def test_a_set_without_labels_has_no_label_field():
    dataset = Dataset("mine", splits(labelled=False))
    assert not dataset.spec.labelled
    assert dataset.labels("train") is None


def test_the_arrays_are_read_only():
    dataset = Dataset("mine", splits(), ("a", "b"))
    with pytest.raises(ValueError, match="read-only"):
        dataset.images("train")[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        dataset.labels("train")[0] = 0


def test_an_unknown_split_names_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'validation'"):
        Dataset("mine", splits(), ("a", "b")).images("valid")


def test_the_hash_does_not_depend_on_the_order_of_the_images_or_the_name():
    shuffled = {split: content.take(np.arange(len(content.images))[::-1]) for split, content in splits().items()}
    assert content_hash(shuffled) == content_hash(splits())


def change_pixel(content: dict[str, Split]) -> None:
    content["test"].images[0, 0, 0, 0] ^= 1


def change_label(content: dict[str, Split]) -> None:
    content["train"].labels[0] ^= 1


def exchange_splits(content: dict[str, Split]) -> None:
    content["test"], content["validation"] = content["validation"], content["test"]


def turn_images(content: dict[str, Split]) -> None:
    for split in SPLITS:
        content[split] = Split(content[split].images.reshape(-1, 3, 4, 1), content[split].labels)


@pytest.mark.parametrize("change", [change_pixel, change_label, exchange_splits, turn_images])
def test_the_hash_depends_on(change):
    changed = splits()
    change(changed)
    assert content_hash(changed) != content_hash(splits())


@pytest.mark.parametrize("chunk", [2**24, 30, 1])
def test_the_order_is_told_apart_however_the_images_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
):
    monkeypatch.setattr("zoo_core.data.dataset._CHUNK", chunk)  # of images of 12 bytes
    content = splits(labelled=False)
    known = hashlib.sha256(content["train"].images.tobytes()).hexdigest()

    def order(images: np.ndarray) -> str | None:
        return Dataset("any", content | {"train": Split(images, None)}).order()

    images = content["train"].images
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "reversed.npy", images[::-1])
    assert order(images) == order(np.load(tmp_path / "images.npy", mmap_mode="r")) == known
    assert order(np.asfortranarray(images)) == known
    assert order(images[::-1]) == order(np.load(tmp_path / "reversed.npy", mmap_mode="r")) != known


def test_the_content_hash_of_a_prepared_file_has_the_order(tmp_path: Path):
    write_h5(Dataset("any", splits(), ("a", "b")), tmp_path / "any.h5", {})
    prepared = read_h5(tmp_path / "any.h5")
    assert prepared.order() is None
    assert prepared.degraded(Degradation.parse("noise25")).order() is None


def test_the_hash_depends_on_the_class_names():
    assert content_hash(splits(), ("a", "c")) != content_hash(splits(), ("a", "b"))


def float_images(content: dict[str, Split]) -> None:
    content["train"] = Split(content["train"].images.astype(np.float32), content["train"].labels)


def no_images(content: dict[str, Split]) -> None:
    content["test"] = content["test"].take(np.arange(0))


def other_size(content: dict[str, Split]) -> None:
    content["test"] = Split(content["test"].images[:, :2], content["test"].labels)


def too_few_labels(content: dict[str, Split]) -> None:
    content["train"] = Split(content["train"].images, content["train"].labels[1:])


def label_out_of_range(content: dict[str, Split]) -> None:
    content["train"].labels[0] = 2


def no_labels_in_test(content: dict[str, Split]) -> None:
    content["test"] = Split(content["test"].images, None)


def split_missing(content: dict[str, Split]) -> None:
    del content["validation"]


@pytest.mark.parametrize(
    "spoil",
    [float_images, no_images, other_size, too_few_labels, label_out_of_range, no_labels_in_test, split_missing],
)
def test_refused(spoil):
    content = splits()
    spoil(content)
    with pytest.raises(ValueError, match="received"):
        Dataset("mine", content, ("a", "b"))


@given(count=st.integers(3, 400), classes=st.integers(1, 12) | st.none(), seed=st.integers(0, 99))
def test_carving_divides_every_image_once_and_every_class_in_proportion(count, classes, seed):
    labels = None if classes is None else np.random.default_rng(seed).integers(0, classes, count)
    carved = carve_all(count, labels)
    assert list(np.sort(np.concatenate(list(carved.values())))) == list(range(count))
    assert len(carved["test"]) == max(1, round(count / 5))
    assert len(carved["validation"]) == max(1, round((count - len(carved["test"])) / 10))
    assert len(carved["train"]) > 0
    if labels is not None:
        for label in range(classes):
            share = np.mean(labels == label) * len(carved["test"])
            assert abs(np.sum(labels[carved["test"]] == label) - share) < 1


def test_carving_is_always_alike_and_shuffled():
    labels = np.repeat([0, 1], 50)
    first, second = carve_all(100, labels), carve_all(100, labels)
    assert all(np.array_equal(first[split], second[split]) for split in SPLITS)
    assert len(set(np.diff(first["test"]))) > 1


def test_validation_is_a_tenth_but_at_most_5000():
    assert len(carve_validation(600, None)["validation"]) == 60
    assert len(carve_validation(60_000, None)["validation"]) == 5_000


def inputs(seed: int = 0, shape: tuple[int, ...] = (2, 5, 3)) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {split: rng.integers(0, 256, (n, *shape), np.uint8) for split, n in zip(SPLITS, (8, 2, 3), strict=True)}


def test_inputs_are_what_images_are_to_be_made_from():
    pairs = Dataset("pairs", splits(), ("a", "b"), inputs=inputs())
    assert pairs.spec.fields["inputs"] == ((2, 5, 3), "float32")
    assert np.array_equal(pairs.inputs("test"), inputs()["test"])
    with pytest.raises(ValueError, match="read-only"):
        pairs.inputs("test")[0] = 0
    with pytest.raises(UsageError, match="Unknown split"):
        pairs.inputs("tset")
    assert Dataset("mine", splits(), ("a", "b")).inputs("test") is None
    assert "inputs" not in Dataset("mine", splits(), ("a", "b")).spec.fields


def test_the_hash_covers_which_input_belongs_to_which_image():
    def hash_of(found: dict[str, np.ndarray]) -> str:
        return Dataset("pairs", splits(), ("a", "b"), inputs=found).spec.content_hash

    swapped = inputs()
    swapped["train"] = swapped["train"][::-1]
    reshaped = {split: array.reshape(-1, 5, 2, 3) for split, array in inputs().items()}
    assert len({content_hash(splits()), *map(hash_of, (inputs(), inputs(1), swapped, reshaped))}) == 5
    assert hash_of(inputs()) == hash_of(inputs())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test": None}, r"all splits have inputs, or none.*\['train', 'validation'\]"),
        ({"test": np.zeros((3, 2, 5, 2), np.uint8)}, "test inputs must be uint8.*C 1 or 3"),
        ({"test": np.zeros((3, 2, 5, 3))}, "test inputs must be uint8.*float64"),
        ({"test": np.zeros((4, 2, 5, 3), np.uint8)}, "test inputs must be one for each image"),
        ({"test": np.zeros((3, 5, 2, 3), np.uint8)}, "test inputs must be .* of one shape"),
    ],
)
def test_inputs_that_break_a_rule_are_refused(change, message):
    found = {split: array for split, array in (inputs() | change).items() if array is not None}
    with pytest.raises(ValueError, match=message):
        Dataset("pairs", splits(), ("a", "b"), inputs=found)


def test_the_spec_states_mean_and_deviation_of_the_train_images():
    images = np.zeros((2, 1, 2, 3), np.uint8)
    images[..., 0], images[0, ..., 1], images[..., 2] = 51, 255, 255
    other = Split(np.full((1, 1, 2, 3), 9, np.uint8), None)
    spec = Dataset("mine", {"train": Split(images, None), "validation": other, "test": other}).spec
    assert spec.means == pytest.approx((-0.6, 0, 1))
    assert spec.deviations == pytest.approx((0, 1, 0))
