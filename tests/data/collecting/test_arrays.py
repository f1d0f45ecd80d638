import gzip
import pickle
import struct

import h5py
import numpy as np
import pytest

from zoo_core.builtin.datasets import DATASETS
from zoo_core.data import Dataset, Split, load_dataset, write_h5
from zoo_core.data.collecting import Item
from zoo_core.errors import UsageError, ZooError

BUILTIN = {spec.name: spec for spec in DATASETS}


def random(shape, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def as_idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def check(source, images, labels=None, split=None):
    """That a source, and a copy of it in a worker, has these images in their order."""
    items = [item for item in source.items() if item.split == split]
    assert [item.label for item in items] == [None] * len(images) if labels is None else list(map(str, labels))
    prefix = "" if split is None else f"{split}/"
    assert [item.path for item in items] == [f"{prefix}{number:06d}" for number in range(len(images))]
    pickled = pickle.dumps(source)
    assert len(pickled) < 2000
    for reader in (source, pickle.loads(pickled)):
        for item, image in zip(items, images, strict=True):
            # The split is no part of what a worker is told.
            np.testing.assert_array_equal(reader.read(Item(item.path, place=item.place)), image)


@pytest.mark.parametrize("shape", [(5, 6, 7), (5, 6, 7, 1), (5, 6, 7, 4)])
@pytest.mark.parametrize("dtype", ["u1", ">u2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_single_array(shape, dtype, order, tmp_path, opened):
    images = np.asarray(random(shape, np.dtype(dtype).newbyteorder("=")).astype(dtype), order=order)
    np.save(tmp_path / "images.npy", images)
    np.savez_compressed(tmp_path / "images.npz", images=images)
    for name in ("images.npy", "images.npz"):
        check(opened(tmp_path / name), images)


def test_images_and_labels_by_their_names(tmp_path, opened):
    images, labels = random((5, 6, 7)), np.array([[2], [10], [2], [0], [2]])
    np.savez(tmp_path / "a.npz", images=images, labels=labels)
    np.savez(tmp_path / "b.npz", images, labels[:, 0])
    for name in "ab":
        source = opened(tmp_path / f"{name}.npz")
        check(source, images, [2, 10, 2, 0, 2])
        assert source.classes == ("0", "2", "10")
        assert source.label_origin == "array"


def test_the_arrays_of_keras(tmp_path, opened, work):
    arrays = {
        "x_train": random((5, 6, 7)),
        "y_train": np.arange(5),
        "x_test": random((3, 6, 7)),
        "y_test": np.arange(3),
    }
    np.savez(tmp_path / "a.npz", **arrays)
    source = opened(tmp_path / "a.npz")
    check(source, arrays["x_train"], range(5), "train")
    check(source, arrays["x_test"], range(3), "test")
    assert source.classes == tuple("01234")
    unpacked = sorted(work.iterdir())
    assert len(unpacked) == 4
    check(opened(tmp_path / "a.npz"), arrays["x_test"], range(3), "test")
    assert sorted(work.iterdir()) == unpacked
    del arrays["y_test"]
    np.savez(tmp_path / "a.npz", **arrays)
    check(opened(tmp_path / "a.npz"), arrays["x_test"], None, "test")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((2, 5, 5))}, r"received float64 \(2, 5, 5\)"),
        ({"x_train": np.zeros((2, 5, 5))}, "'x_train' in .* received float64"),
        ({"images": np.zeros((2, 5, 5), "u1"), "labels": np.zeros(3, int)}, "'labels' in .* should be 2 integers"),
        ({"x_train": np.zeros((2, 5, 5), "u1"), "y_train": np.zeros(2)}, "'y_train' in .* should be 2 integers"),
        ({"images": np.zeros((2, 5, 5), "u1"), "labels": np.array([0, -1])}, "numbers from 0, received -1"),
        ({"a": np.zeros(3)}, "should hold one array of images"),
    ],
)
def test_other_arrays_are_refused(arrays, message, tmp_path, opened):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UsageError, match=message):
        opened(tmp_path / "a.npz")


@pytest.mark.parametrize("prefix", ["", "h5:"])
@pytest.mark.parametrize("stored", [{}, {"compression": "gzip"}])
def test_hdf5_files_of_other_programs_are_read_by_the_same_rule(prefix, stored, tmp_path, opened):
    images, labels = random((5, 6, 7, 3)), np.array([2, 10, 2, 0, 2])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=images, **stored)
        file["labels"] = labels
    source = opened(f"{prefix}{tmp_path}/a.h5")
    check(source, images, labels)
    assert source.classes == ("0", "2", "10")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["images"] = images / 255
    with pytest.raises(UsageError, match="received float64"):
        opened(f"{prefix}{tmp_path}/b.h5")


def test_damage_is_found_when_it_is_unpacked(tmp_path, opened, work):
    np.savez_compressed(tmp_path / "a.npz", images=random((5, 6, 7)))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[200] ^= 255
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ZooError, match="can't be read as a NumPy file"):
        opened(tmp_path / "a.npz")
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("dot", ["-", "."])
def test_idx_files_find_each_other(pack, dot, tmp_path, opened):
    images, labels, suffix = random((5, 6, 7)), np.array([3, 1, 4, 1, 5], np.uint8), "" if pack is bytes else ".gz"
    path = tmp_path / f"train-images{dot}idx3-ubyte{suffix}"
    path.write_bytes(pack(as_idx(images)))
    check(opened(path), images)
    (tmp_path / f"train-labels{dot}idx1-ubyte{suffix}").write_bytes(pack(as_idx(labels)))
    source = opened(path)
    check(source, images, labels)
    (tmp_path / f"t10k-images{dot}idx3-ubyte").write_bytes(as_idx(images[:2]))
    (tmp_path / f"t10k-labels{dot}idx1-ubyte.gz").write_bytes(gzip.compress(as_idx(labels[:2])))
    whole = opened(path)
    check(whole, images, labels, "train")
    check(whole, images[:2], labels[:2], "test")
    assert whole.classes == tuple("1345")
    assert whole.fingerprint() != source.fingerprint()
    check(opened(tmp_path / f"t10k-images{dot}idx3-ubyte"), images[:2], labels[:2])


def test_labels_are_no_images_and_must_fit_them(tmp_path, opened):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(as_idx(random((5, 6, 7))))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(as_idx(random((4,))))
    with pytest.raises(UsageError, match=r"labels-idx1-ubyte' should hold 5 labels, received \(4,\)"):
        opened(tmp_path / "train-images-idx3-ubyte")
    with pytest.raises(UsageError, match=r"should hold images \(N, H, W\), received \(4,\)"):
        opened(tmp_path / "train-labels-idx1-ubyte")
    (tmp_path / "other").write_bytes(as_idx(random((5, 6, 7)))[:-1])
    with pytest.raises(ZooError, match="does not fit its length"):
        opened(tmp_path / "other")


def test_a_prepared_file(tmp_path, opened, found):
    images, labels = random((6, 8, 8, 3)), np.array([0, 1, 1, 0, 1, 0], np.int32)
    splits = {
        split: Split(images[at], labels[at])
        for split, at in zip(BUILTIN["mnist"].splits, np.split(np.arange(6), 3), strict=True)
    }
    write_h5(Dataset("it", splits, ("zebra", "ant")), tmp_path / "it.h5", {})
    for name in (f"h5:{tmp_path}/it.h5", str(tmp_path / "it.h5")):
        source = opened(name)
        assert source.classes == ("zebra", "ant")
        assert list(found(source).values()) == [
            (split, ("zebra", "ant")[label]) for split in splits for label in splits[split].labels
        ]
        items = list(source.items())
        assert [item.place for item in items] == list(range(6))
        again = pickle.loads(pickle.dumps(source))
        for item, image in zip(items, images, strict=True):
            np.testing.assert_array_equal(again.read(item), image)
    assert items[-1].path == "test/1"


def test_a_prepared_file_without_labels(tmp_path, opened, found):
    images = random((6, 8, 8, 1))
    splits = {
        split: Split(part, None) for split, part in zip(BUILTIN["mnist"].splits, np.split(images, 3), strict=True)
    }
    write_h5(Dataset("it", splits), tmp_path / "it.h5", {})
    source = opened(tmp_path / "it.h5")
    assert source.classes == ()
    assert set(found(source).values()) == {("train", None), ("validation", None), ("test", None)}


def test_a_built_in_set_in_its_native_size(opened, work):
    source, dataset = opened("digits"), load_dataset("digits@8")
    assert source.classes == dataset.classes
    for split in ("train", "validation", "test"):
        check(source, dataset.images(split), [dataset.classes[label] for label in dataset.labels(split)], split)
    assert opened("digits").fingerprint() == source.fingerprint() != opened("lfw_subset").fingerprint()


def test_a_built_in_set_from_local_files(tmp_path, opened):
    arrays = {"x_train": random((20, 28, 28)), "y_train": np.zeros(20, int)}
    np.savez(tmp_path / "mnist.npz", **arrays, x_test=arrays["x_train"], y_test=arrays["y_train"])
    source = opened("mnist", tmp_path)
    check(source, arrays["x_train"][..., None], [0] * 20, "test")
    with pytest.raises(UsageError, match="'kmnist' was looked for"):
        opened("kmnist", tmp_path)
