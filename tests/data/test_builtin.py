import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core.builtin.datasets import DATASETS
from zoo_core.data import SPLITS, load_dataset
from zoo_core.data.builtin import load_builtin
from zoo_core.errors import UsageError, ZooError

BUILTIN = {spec.name: spec for spec in DATASETS}

NPZ = ["mnist", "fashion_mnist", "kmnist", "cifar10", "cifar100"]
OF_KERAS = ["mnist", "fashion_mnist", "cifar10", "cifar100"]


def arrays_like(name: str, count: int = 40) -> dict[str, np.ndarray]:
    """Arrays laid out as keras.datasets gives them."""
    rng = np.random.default_rng(0)
    record = BUILTIN[name]
    shape = record.shape[:2] if record.shape[2] == 1 else record.shape
    label_shape = (1,) if name.startswith("cifar") else ()
    arrays = {}
    for split in ("train", "test"):
        arrays[f"x_{split}"] = rng.integers(0, 256, (count, *shape)).astype(np.uint8)
        arrays[f"y_{split}"] = rng.integers(0, len(record.classes), (count, *label_shape)).astype(np.uint8)
    return arrays


@pytest.mark.parametrize(("name", "count"), [*((name, 10) for name in NPZ[:4]), ("digits", 10), ("cifar100", 100)])
def test_class_names_are_spelled_out(name, count):
    assert len(set(BUILTIN[name].classes)) == count
    assert BUILTIN[name].name == name


def test_digits_is_what_its_record_says():
    dataset = load_dataset("digits")
    assert dataset.spec.image_shape == BUILTIN["digits"].shape
    assert dataset.spec.splits == BUILTIN["digits"].splits
    assert dataset.spec.classes == BUILTIN["digits"].classes
    assert dataset.spec.content_hash == load_dataset("digits@16").spec.content_hash


@pytest.mark.parametrize("name", ["lfw_subset", "sample_images"])
def test_sets_that_come_with_packages_are_what_their_records_say(name):
    dataset = load_dataset(name)
    assert dataset.spec.image_shape == BUILTIN[name].shape
    assert dataset.spec.splits == BUILTIN[name].splits
    for split in SPLITS:
        assert set(dataset.labels(split)) == {0, 1}, split


def test_the_faces_of_lfw_are_those_that_scikit_image_has():
    from skimage.data import lfw_subset

    dataset = load_dataset("lfw_subset")
    faces = {np.floor(face * 255 + 0.5).astype(np.uint8).tobytes() for face in lfw_subset()[:100]}
    for split in SPLITS:
        for image, label in zip(dataset.images(split), dataset.labels(split), strict=True):
            assert (image.tobytes() in faces) == (dataset.classes[label] == "face")


def test_sample_images_are_patches_that_do_not_overlap():
    from sklearn.datasets import load_sample_image

    dataset = load_dataset("sample_images")
    patches = {image.tobytes() for split in SPLITS for image in dataset.images(split)}
    assert len(patches) == 2 * 13 * 20
    for row, column in ((0, 0), (12, 19)):
        patch = load_sample_image("flower.jpg")[32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
        assert patch.tobytes() in patches


def test_native_digits_span_the_whole_range():
    images = load_dataset("digits@8").images("train")
    assert images.shape == (1294, 8, 8, 1)
    assert set(np.unique(images)) == {round(value * 255 / 16) for value in range(17)}


def test_digits_has_no_exact_duplicates_that_could_straddle_its_splits():
    dataset = load_dataset("digits@8")
    images = [image.tobytes() for split in SPLITS for image in dataset.images(split)]
    assert len(images) == len(set(images)) == 1797


def test_digits_stays_the_data_set_that_published_results_name():
    expected = "a8b803f1b69d7ef7bf06920b99ef533669efc611cdb4fbabbb52ca6aa9ba1337"
    assert load_dataset("digits@8").spec.content_hash == expected


@pytest.mark.parametrize("name", NPZ)
def test_a_file_in_the_data_folder_is_read(name, tmp_path):
    arrays = arrays_like(name)
    np.savez(tmp_path / f"{name}.npz", **arrays)
    dataset = load_dataset(name, tmp_path)
    assert dataset.spec.image_shape == BUILTIN[name].shape
    assert dataset.spec.splits == {"train": 36, "validation": 4, "test": 40}
    assert np.array_equal(dataset.images("test").reshape(arrays["x_test"].shape), arrays["x_test"])
    assert np.array_equal(dataset.labels("test"), arrays["y_test"].reshape(-1))
    carved = [image.tobytes() for split in ("train", "validation") for image in dataset.images(split)]
    assert sorted(carved) == sorted(image.tobytes() for image in arrays["x_train"])


def test_the_environment_names_the_data_folder(tmp_path, monkeypatch):
    np.savez(tmp_path / "mnist.npz", **arrays_like("mnist"))
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    assert load_dataset("mnist").spec.splits["test"] == 40


def test_a_missing_file_is_named_with_the_layout_and_the_option(tmp_path):
    with pytest.raises(UsageError) as caught:
        load_dataset("cifar100", tmp_path)
    assert f"looked for in '{tmp_path}'" in str(caught.value)
    for part in (
        "cifar100.npz",
        "cifar-100-binary.tar.gz",
        "x_train",
        "y_test",
        "uint8 (N, 32, 32, 3)",
        "from 0 to 99",
        "--data-dir",
    ):
        assert part in caught.value.hint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_train": None}, "no y_train"),
        ({"x_train": np.zeros((40, 28, 28), np.float32)}, "x_train is float32"),
        ({"x_test": np.zeros((40, 32, 32), np.uint8)}, r"x_test is uint8 \(40, 32, 32\)"),
        ({"y_test": np.zeros(39, np.uint8)}, r"y_test is uint8 \(39,\) for 40 images"),
        ({"y_test": np.zeros(40)}, "y_test is float64"),
        ({"y_train": np.full(40, 10)}, "y_train goes from 10 to 10"),
        ({"y_train": np.full(40, -1)}, "y_train goes from -1"),
        ({"x_train": np.zeros((1, 28, 28), np.uint8), "y_train": np.zeros(1, int)}, "fewer than 2"),
        ({"y_train": np.array([{}] * 40, dtype=object)}, "mnist': y_train is object"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(change, message, tmp_path):
    arrays = {key: value for key, value in (arrays_like("mnist") | change).items() if value is not None}
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(ZooError, match=message) as caught:
        load_dataset("mnist", tmp_path)
    assert "x_train and x_test, uint8 (N, 28, 28)" in caught.value.hint


@given(data=st.data())
@settings(max_examples=60)
def test_a_damaged_file_is_refused_or_read_never_worse(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("npz")
    np.savez(folder / "mnist.npz", **arrays_like("mnist", count=3))
    content = bytearray((folder / "mnist.npz").read_bytes())
    if data.draw(st.booleans(), label="truncate"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
            content[place] = data.draw(st.integers(0, 255))
    (folder / "mnist.npz").write_bytes(bytes(content))
    try:
        splits = load_builtin(BUILTIN["mnist"], folder)
    except ZooError:
        return
    assert splits["test"].images.shape == (3, 28, 28, 1)


@pytest.mark.parametrize("name", OF_KERAS)
def test_without_a_folder_keras_downloads(name, monkeypatch, capsys):
    import keras

    arrays = arrays_like(name)

    def load_data():
        print("Downloading data")
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])

    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", load_data)
    assert load_dataset(name).spec.splits["train"] == 36
    assert capsys.readouterr().out == "", "stdout is for data"


def test_a_failed_download_says_what_to_do_without_a_network(monkeypatch):
    import keras

    def load_data():
        raise Exception("URL fetch failure on https://example.org: None -- no network")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    with pytest.raises(ZooError, match=r"no network.*--data-dir.*'mnist.npz'") as caught:
        load_dataset("mnist")
    assert caught.value.exit_code == 1


def test_reading_a_file_imports_no_keras(tmp_path, monkeypatch):
    np.savez(tmp_path / "mnist.npz", **arrays_like("mnist"))
    monkeypatch.setitem(sys.modules, "keras", None)
    assert load_dataset("mnist", tmp_path).spec.splits["test"] == 40


@pytest.mark.shared_data
def test_the_real_mnist_is_what_its_record_says(shared_data, record_property):
    start = time.perf_counter()
    dataset = load_dataset("mnist", shared_data)
    loaded = time.perf_counter()
    assert dataset.spec.splits == BUILTIN["mnist"].splits
    record_property("load_seconds", loaded - start)
    record_property("hash_seconds", time.perf_counter() - loaded)
    expected = "41649646ab752da6b638c0620037b7b548bf40086d0265057431e05c7681160a"
    assert dataset.spec.content_hash == expected
    images = [image.tobytes() for split in SPLITS for image in dataset.images(split)]
    assert len(set(images)) == 70_000, "exact duplicates could straddle the splits"
