"""Built-in sets in their original formats: the files are made here, in the layouts that their authors published."""

import gzip
import io
import os
import pickle
import struct
import tarfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core.builtin.datasets import DATASETS
from zoo_core.data import load_dataset, named
from zoo_core.data.builtin import at_hand, load_builtin
from zoo_core.data.builtin.cifar import read_cifar
from zoo_core.errors import UsageError, ZooError
from zoo_core.pickles import Broken
from zoo_core.registry import registry

BUILTIN = {spec.name: spec for spec in DATASETS}

MNIST_FAMILY = ["mnist", "fashion_mnist", "kmnist"]


def random(shape, high=256, seed=0):
    return np.random.default_rng(seed).integers(0, high, shape).astype(np.uint8)


def as_idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def arrays_of(name, train=20, test=6):
    """As keras.datasets gives them."""
    shape, classes = BUILTIN[name].shape, len(BUILTIN[name].classes)
    images, labels = (shape[:2], ()) if shape[2] == 1 else (shape, (1,))
    return {
        "x_train": random((train, *images)),
        "y_train": random((train, *labels), classes),
        "x_test": random((test, *images), seed=1),
        "y_test": random((test, *labels), classes, seed=1),
    }


def write_idx(folder, arrays, compressed=True):
    folder.mkdir(parents=True, exist_ok=True)
    for key, array in arrays.items():
        split = "train" if key.endswith("train") else "t10k"
        name = f"{split}-images-idx3-ubyte" if key.startswith("x") else f"{split}-labels-idx1-ubyte"
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(as_idx(array)))
        else:
            (folder / name).write_bytes(as_idx(array))


class Python2(pickle._Pickler):
    """Writes `bytes` as Python 2 wrote its strings, and arrays as its NumPy did."""

    dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

    def save_string(self, text):
        if self.proto == 0:
            self.write(pickle.STRING + repr(text)[1:].encode() + b"\n")
        elif len(text) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(text)]) + text)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(text)) + text)
        self.memoize(text)

    dispatch[bytes] = save_string


def pickled(value, protocol=2):
    buffer = io.BytesIO()
    Python2(buffer, protocol).dump(value)
    return buffer.getvalue().replace(b"numpy._core", b"numpy.core").replace(b"X\x02\x00\x00\x00u1", b"U\x02u1")


class Array:
    """Pickles as an array of Python 2's NumPy."""

    def __init__(self, values):
        self.values = values

    def __reduce__(self):
        state = (1, self.values.shape, DType(), False, self.values.tobytes())
        return np._core.multiarray._reconstruct, (np.ndarray, (0,), b"b"), state


class DType:
    def __reduce__(self):
        return np.dtype, (b"u1", 0, 1), (3, b"|", None, None, None, -1, -1, 0)


def python_batch(images, labels, key, protocol=2):
    """A file of the python version; its keys in the order of the genuine ones."""
    names = [f"some_animal_s_{number:06d}.png".encode() for number in range(len(images))]
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    batch = {b"batch_label": b"training batch 1 of 5", key: labels.ravel().tolist(), b"data": Array(rows)}
    return pickled(batch | {b"filenames": names}, protocol)


def binary_batch(images, *labels):
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    return np.concatenate([*(column.reshape(-1, 1) for column in labels), rows], axis=1).tobytes()


def cifar_files(name, arrays, version):
    """Names and contents of all files of a version."""
    files = {}
    for split in ("train", "test"):
        count = 5 if (name, split) == ("cifar10", "train") else 1
        stem = {
            "cifar10": {"train": "data_batch_", "test": "test_batch"},
            "cifar100": {"train": "train", "test": "test"},
        }
        for number, rows in enumerate(np.array_split(np.arange(len(arrays[f"x_{split}"])), count), start=1):
            images, labels = arrays[f"x_{split}"][rows], arrays[f"y_{split}"][rows]
            file = stem[name][split] + (str(number) if count > 1 else "")
            if version == "binary":
                coarse = [] if name == "cifar10" else [labels // 5]
                files[f"{file}.bin"] = binary_batch(images, *coarse, labels)
            else:
                files[file] = python_batch(images, labels, b"labels" if name == "cifar10" else b"fine_labels")
    return files


FOLDERS = {
    ("cifar10", "binary"): ("cifar-10-binary.tar.gz", "cifar-10-batches-bin"),
    ("cifar10", "python"): ("cifar-10-python.tar.gz", "cifar-10-batches-py"),
    ("cifar100", "binary"): ("cifar-100-binary.tar.gz", "cifar-100-binary"),
    ("cifar100", "python"): ("cifar-100-python.tar.gz", "cifar-100-python"),
}


def write_cifar(folder, name, arrays, version, packed):
    archive, inner = FOLDERS[name, version]
    files = cifar_files(name, arrays, version) | {"readme.html": b"<html>", "batches.meta": b"\x80\x02}."}
    folder.mkdir(parents=True, exist_ok=True)
    if not packed:
        (folder / inner).mkdir()
        for file, content in files.items():
            (folder / inner / file).write_bytes(content)
        return folder / inner
    with tarfile.open(folder / archive, "w:gz") as tar:
        for file, content in files.items():
            member = tarfile.TarInfo(f"{inner}/{file}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return folder / archive


def of_npz(tmp_path, name, arrays):
    folder = tmp_path / "npz"
    folder.mkdir(exist_ok=True)
    np.savez(folder / f"{name}.npz", **arrays)
    return load_dataset(name, folder).spec.content_hash


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("inner", ["mnist", "."])
def test_mnist_from_its_own_files_is_that_of_keras(compressed, inner, tmp_path):
    arrays = arrays_of("mnist")
    write_idx(tmp_path / inner, arrays, compressed)
    assert load_dataset("mnist", tmp_path).spec.content_hash == of_npz(tmp_path, "mnist", arrays)
    assert at_hand(BUILTIN["mnist"], tmp_path) == str(tmp_path / inner)


@pytest.mark.parametrize(("name", "folder"), [("kmnist", "kmnist"), ("fashion_mnist", "fashion-mnist")])
def test_sets_whose_files_are_called_like_those_of_mnist_need_a_folder_of_their_name(name, folder, tmp_path):
    arrays = arrays_of(name)
    write_idx(tmp_path / "all", arrays)
    with pytest.raises(UsageError, match=f"folder '{name}': train-images-idx3-ubyte.gz"):
        load_dataset(name, tmp_path / "all")
    assert at_hand(BUILTIN[name], tmp_path / "all") is None
    write_idx(tmp_path / folder, arrays)
    for data_dir in (tmp_path, tmp_path / folder):
        dataset = load_dataset(name, data_dir)
        assert dataset.spec.classes == BUILTIN[name].classes
        assert np.array_equal(dataset.images("test")[..., 0], arrays["x_test"])
        assert at_hand(BUILTIN[name], data_dir) == str(tmp_path / folder)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("name", "version"), FOLDERS)
@pytest.mark.parametrize("inner", [True, False])
def test_cifar_from_its_own_files_is_that_of_keras(name, version, packed, inner, tmp_path):
    arrays = arrays_of(name)
    written = write_cifar(tmp_path / name if inner else tmp_path, name, arrays, version, packed)
    assert at_hand(BUILTIN[name], tmp_path) == str(written)
    found = read_cifar(name, written)
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].dtype == array.dtype
    assert load_dataset(name, tmp_path).spec.content_hash == of_npz(tmp_path, name, arrays)


def test_python_itself_reads_what_stands_for_a_genuine_file():
    arrays = arrays_of("cifar10")
    content = python_batch(arrays["x_train"], arrays["y_train"], b"labels")
    assert content.startswith(b"\x80\x02}q\x00(U\x0bbatch_labelq\x01U\x15training batch 1 of 5q\x02U\x06labels")
    assert b"cnumpy.core.multiarray\n_reconstruct\n" in content
    batch = pickle.loads(content.replace(b"numpy.core", b"numpy._core"), encoding="bytes")
    assert batch[b"labels"] == arrays["y_train"].ravel().tolist()
    np.testing.assert_array_equal(batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), arrays["x_train"])


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_every_protocol_of_python_2_is_read(protocol, tmp_path):
    arrays = arrays_of("cifar100")
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for split in ("train", "test"):
        content = python_batch(arrays[f"x_{split}"], arrays[f"y_{split}"], b"fine_labels", protocol)
        (folder / split).write_bytes(content)
    found = read_cifar("cifar100", folder)
    for key, array in arrays.items():
        np.testing.assert_array_equal(found[key], array)


@pytest.mark.parametrize("protocol", range(6))
def test_nothing_in_a_pickle_is_called(protocol, tmp_path):
    sign, folder = tmp_path / "executed", tmp_path / "cifar-100-python"
    folder.mkdir()

    class Evil:
        def __init__(self, function, *arguments):
            self.reduced = function, arguments

        def __reduce__(self):
            return self.reduced

    for evil in (Evil(os.mkdir, str(sign)), Evil(eval, f"open({str(sign)!r}, 'w')"), Evil(np.load, str(sign))):
        for batch in (evil, {"data": evil}, [evil]):
            (folder / "train").write_bytes(pickle.dumps(batch, protocol))
            (folder / "test").write_bytes(pickle.dumps(batch, protocol))
            with pytest.raises(ZooError, match="cifar-100-python' can't be read as 'cifar100': in train, "):
                load_dataset("cifar100", tmp_path)
    assert not sign.exists()


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
STATE = b"(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR\x89"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is cut short: expected at least 1 byte, received 0"),
        (b"\x80\x02}.", "an array 'data' and a list 'labels'"),
        (b"\x80\x02}U\x04dataK\x01s.", "an array 'data'"),
        (b"\x80\x02}(U\x04data" + ARRAY + b"U\x06labels]u.", "an array 'data'"),
        (b"\x80\x02}(U\x04data" + ARRAY + STATE + b"U\x010tbU\x06labels]u.", r"an array \(1, 3072\) has 1 bytes"),
        (b"\x80\x02}U\x04data" + ARRAY.replace(b"K\x00", b"K\x01") + b"s.", "should start empty"),
        (b"\x80\x02}U\x04data" + ARRAY + STATE.replace(b"u1", b"O8") + b"U\x00tbs.", "should be of bytes"),
        (b"\x80\x02K\x01Nb.", "build arrays of bytes in rows"),
        (b"\x80\x02cposix\nsystem\n.", "asks for 'posix.system', which no CIFAR file needs"),
        (b"\x80\x02cnumpy\nndarray\n)R.", "calls what is no function"),
        (b"\x80\x02NQ.", "refers to something outside"),
        (b"S'a\n.", "a string in its pickle has no quotes"),
        (b"S'\\x1'\n.", "a string in its pickle can't be read"),
        (b"Ione\n.", "the number b'one'"),
        (b"\x80\x02" + b"}" * 2**20 + b".", "more than 1048576 bytes"),
        (b"\x80\x02)" + b"\x85" * 200_000 + b".", "an array 'data'"),
    ],
)
def test_pickles_of_anything_else_are_refused(content, reason, tmp_path):
    folder = write_cifar(tmp_path, "cifar10", arrays_of("cifar10"), "python", packed=False)
    (folder / "test_batch").write_bytes(content)
    with pytest.raises(Broken, match=f"in test_batch, .*{reason}"):
        read_cifar("cifar10", folder)


def test_labels_and_images_of_a_pickle_must_fit(tmp_path):
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    images = random((3, 32, 32, 3))
    for labels in (np.arange(2), np.array([0, 1, 300]), np.array([0, 1, -1])):
        for split in ("train", "test"):
            (folder / split).write_bytes(python_batch(images, labels, b"fine_labels"))
        with pytest.raises(ZooError, match="in train, there should be images of 3072 values, each with a label"):
            load_dataset("cifar100", tmp_path)


def test_records_that_are_cut_off_and_files_that_are_missing_are_named(tmp_path):
    folder = write_cifar(tmp_path, "cifar10", arrays_of("cifar10"), "binary", packed=False)
    (folder / "data_batch_3.bin").write_bytes(bytes(3072))
    with pytest.raises(ZooError, match=r"in data_batch_3\.bin, 3072 bytes are not records of 3073") as caught:
        load_dataset("cifar10", tmp_path)
    assert "cifar-10-python.tar.gz" in caught.value.hint
    (folder / "data_batch_3.bin").unlink()
    with pytest.raises(ZooError, match=r"it holds no data_batch_3\.bin"):
        load_dataset("cifar10", tmp_path)


def test_labels_beyond_the_classes_are_refused(tmp_path):
    arrays = arrays_of("cifar10")
    arrays["y_test"][0] = 10
    write_cifar(tmp_path, "cifar10", arrays, "binary", packed=True)
    with pytest.raises(ZooError, match="y_test goes from 0 to 10"):
        load_dataset("cifar10", tmp_path)


def test_an_idx_file_of_another_shape_is_refused_unread(tmp_path):
    write_idx(tmp_path, arrays_of("mnist") | {"x_test": random((6, 20, 20))})
    with pytest.raises(ZooError, match=r"can't be read as 'mnist': t10k-images-idx3-ubyte\.gz is \(6, 20, 20\)\."):
        load_dataset("mnist", tmp_path)


def test_the_npz_goes_before_the_original_files(tmp_path):
    write_idx(tmp_path, arrays_of("mnist"))
    np.savez(tmp_path / "mnist.npz", **arrays_of("mnist", test=3))
    assert load_dataset("mnist", tmp_path).spec.splits["test"] == 3
    assert at_hand(BUILTIN["mnist"], tmp_path) == str(tmp_path / "mnist.npz")


def _damaged(data, content):
    places = st.integers(0, len(content) - 1)
    if data.draw(st.booleans()):
        return content[: data.draw(places)]
    altered = bytearray(content)
    for place, byte in data.draw(st.dictionaries(places, st.integers(0, 255), min_size=1, max_size=8)).items():
        altered[place] = byte
    return bytes(altered)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """A folder for each of the layouts, with tiny images at that."""
    root = tmp_path_factory.mktemp("originals")
    for packed in (True, False):
        for name, version in FOLDERS:
            write_cifar(root / f"{version}-{packed}", name, arrays_of(name, 5, 2), version, packed)
    return root


@given(data=st.data())
@settings(max_examples=150)
def test_damaged_files_are_refused_or_read_never_worse(data, originals, tmp_path_factory):
    name, version = data.draw(st.sampled_from(sorted(FOLDERS)))
    packed = data.draw(st.booleans())
    archive, inner = FOLDERS[name, version]
    source, target = originals / f"{version}-{packed}", tmp_path_factory.mktemp("damaged")
    if packed:
        (target / archive).write_bytes(_damaged(data, (source / archive).read_bytes()))
    else:
        (target / inner).mkdir()
        files = {file.name: file.read_bytes() for file in (source / inner).iterdir()}
        hurt = data.draw(st.sampled_from(sorted(set(files) - {"readme.html", "batches.meta"})))
        for file, content in files.items():
            (target / inner / file).write_bytes(_damaged(data, content) if file == hurt else content)
    try:
        splits = load_builtin(BUILTIN[name], target)
    except ZooError:
        return
    assert splits["test"].images.shape[1:] == (32, 32, 3)
    assert splits["test"].labels.max() < len(BUILTIN[name].classes)


def test_what_fetching_takes_is_said_of_every_set(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    for name, record in BUILTIN.items():
        where = named.at_hand(registry().dataset(name), None)
        assert (where is None) == bool(record.download), record.name
        assert bool(record.download) == bool(record.files)
    (tmp_path / "datasets" / "fashion-mnist").mkdir(parents=True)
    (tmp_path / "datasets" / "fashion-mnist" / "t10k-images-idx3-ubyte.gz").touch()
    assert at_hand(BUILTIN["fashion_mnist"], None).startswith(str(tmp_path / "datasets"))
    assert at_hand(BUILTIN["mnist"], None) is None


def test_a_set_that_nobody_offers_to_download_says_where_to_get_it():
    with pytest.raises(
        UsageError, match=r"'kmnist' must be downloaded by hand, from github\.com/rois-codh/kmnist"
    ) as caught:
        load_dataset("kmnist")
    assert "t10k-labels-idx1-ubyte.gz" in caught.value.hint
    assert "--data-dir" in caught.value.hint
