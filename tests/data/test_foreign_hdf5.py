"""HDF5 files of other programs: what h5py writes is read; whatever a file holds, there is one error, and no other file
is touched."""

import os
import time
from datetime import timedelta

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core.data import array_file
from zoo_core.data.foreign_hdf5 import reading_hdf5
from zoo_core.errors import UsageError, ZooError

IMAGES = np.random.default_rng(0).integers(0, 256, (11, 6, 5, 3)).astype(np.uint8)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.h5"


def read(path):
    """The images, as an evaluation or a preparation takes them."""
    with reading_hdf5(path) as file:
        name = file.name_of_images()
        file.check_images(name)
        if (labels := file.name_of_labels(name)) is not None:
            file.read(labels)
        return file.read(name)


@pytest.mark.parametrize("layout", [None, "v108", "v110", "latest"])
def test_an_array_in_one_piece_is_mapped_from_where_it_lies(layout, path):
    with h5py.File(path, "w", libver=layout and (layout, "latest")) as file:
        file["images"], file["labels"] = IMAGES, np.arange(11, dtype=">i8")
        file["group/images"] = np.zeros(3)
    with reading_hdf5(path) as file:
        assert {name: str(header) for name, header in file.headers.items()} == {
            "images": "uint8 (11, 6, 5, 3)",
            "labels": ">i8 (11,)",
        }
        placed = file.placed("images")
        assert file.read("labels").tolist() == list(range(11))
    assert placed.path == path
    np.testing.assert_array_equal(placed.open(), IMAGES)


@pytest.mark.parametrize(
    "stored",
    [
        {"compression": "gzip", "shuffle": True},
        {"compression": "lzf", "fletcher32": True},
        {"chunks": (3, 4, 2, 3)},
        {"chunks": (16, 8, 8, 3), "maxshape": (None, None, None, 3)},
    ],
)
def test_other_arrays_are_unpacked_in_pieces(stored, path, monkeypatch):
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=IMAGES, **stored)
    with reading_hdf5(path) as file:
        assert file.placed("images") is None
        assert b"".join(file.blocks("images")) == IMAGES.tobytes()
        next(file.blocks("images"))  # whoever wants no more leaves no process behind
    np.testing.assert_array_equal(read(path), IMAGES)


def test_the_images_are_found_by_the_rule_of_an_npz(path):
    with h5py.File(path, "w") as file:
        file["samples"], file["sigma"] = IMAGES, np.zeros(3)
    np.testing.assert_array_equal(read(path), IMAGES)
    with h5py.File(path, "a") as file:
        file["more"] = IMAGES
    with pytest.raises(UsageError, match=r"it holds 'more' uint8 .*'samples' uint8 .*file\['images'\] = array"):
        read(path)


def elsewhere(file, other):
    file["images"] = h5py.ExternalLink(str(other), "images")


def soft(file, other):
    file["all/images"] = IMAGES
    file["images"] = h5py.SoftLink("/all/images")


def external(file, other):
    file.create_dataset("images", IMAGES.shape, "u1", external=[(str(other), 0, IMAGES.nbytes)])


def virtual(file, other):
    layout = h5py.VirtualLayout(IMAGES.shape, "u1")
    layout[:] = h5py.VirtualSource(str(other), "images", IMAGES.shape)
    file.create_virtual_dataset("images", layout)


def group(file, other):
    file["images/train"] = IMAGES


def empty(file, other):
    file["images"] = h5py.Empty("u1")


def other_filter(file, other):
    file.create_dataset("images", data=IMAGES, chunks=IMAGES.shape, scaleoffset=0)


def linked_labels(file, other):
    file["images"] = IMAGES
    file["labels"] = h5py.ExternalLink(str(other), "labels")


def no_images(file, other):
    file["images"] = np.zeros((0, 6, 5, 3), np.uint8)


def floats(file, other):
    file["images"] = IMAGES / 255


def texts(file, other):
    file.create_dataset("images", (2, 2, 2), h5py.string_dtype())


def several_lengths(file, other):
    file.create_dataset("images", (2, 2, 2), h5py.vlen_dtype(np.uint8))


def table(file, other):
    file.create_dataset("images", (2, 2, 2), [("a", "u1"), ("b", "f4")])


def few_labels(file, other):
    file["images"], file["labels"] = IMAGES, np.arange(3)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (elsewhere, r"'images' in '.*a\.h5' is a link, which may lead out of the file\..*Write the array itself"),
        (soft, "'images' in .* is a link"),
        (external, "'images' in .* lies in another file"),
        (virtual, "'images' in .* lies in another file"),
        (group, "'images' in .* is no array, but a group"),
        (empty, "'images' in .* is empty"),
        (other_filter, r"is compressed by a filter that is not read: 6 scaleoffset.*gzip or lzf"),
        (linked_labels, "'labels' in .* is a link"),
        (no_images, r"should hold uint8 images .*received uint8 \(0, 6, 5, 3\)"),
        (floats, r"received float64 .*np\.floor\(127\.5 \* x \+ 128\)"),
        (texts, r"received object \(2, 2, 2\)"),
        (several_lengths, r"received object \(2, 2, 2\)"),
        (table, r"received \|V5 \(2, 2, 2\)"),
        (few_labels, r"'labels' in .* should be 11 integers, .*received int64 \(3,\)"),
        (lambda file, other: None, "it holds no arrays"),
    ],
)
def test_what_is_no_array_of_images_in_the_file_itself_is_refused(write, message, path, tmp_path):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["images"], file["labels"] = IMAGES, np.arange(11)
    with h5py.File(path, "w") as file:
        write(file, other)
    with pytest.raises(UsageError, match=message):
        read(path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chunks": (1, 50, 80, 3), "compression": "gzip"}, r"would be 11,444,092 MiB when unpacked, from 0\.0 MiB"),
        ({}, "has no or too few bytes in the file"),
    ],
)
def test_a_shape_that_promises_more_than_the_file_holds_is_refused(arguments, message, path):
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (10**9, 50, 80, 3), np.uint8, **arguments)
    with pytest.raises(ZooError, match=message):
        read(path)


def test_what_would_be_far_larger_is_refused_before_it_is_unpacked(path, monkeypatch):
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=np.zeros((700, 64, 64, 3), np.uint8), compression="gzip")
    assert not read(path).any()
    monkeypatch.setattr(array_file, "SUSPECT", 2**20)
    with pytest.raises(ZooError, match="would be 8 MiB when unpacked"):
        read(path)


def test_a_file_that_is_cut_short_or_none_at_all(path, tmp_path):
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=IMAGES, compression="gzip")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ZooError, match=r"a\.h5' can't be read as an HDF5 file: .*truncated file"):
        read(path)
    with pytest.raises(ZooError, match=r"can't be read as an HDF5 file: .*No such file"):
        read(tmp_path / "absent.h5")


ENDS = """
import os, resource, signal

def hook(name, args):
    if name == "open" and str(args[0]).endswith(".h5"):
        {ending}

sys.addaudithook(hook)
"""


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "the HDF5 library crashes"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "it takes too much memory"),
        ("resource.setrlimit(resource.RLIMIT_CPU, (1, 9))\n        while True: pass", "it takes too long"),
        ("bytearray(2**33)", "MemoryError"),
    ],
)
def test_a_process_that_does_not_survive_the_file_is_an_error(ending, reason, path, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import sys" + ENDS.replace("{ending}", ending))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with h5py.File(path, "w") as file:
        file["images"] = IMAGES
    before = time.monotonic()
    with pytest.raises(ZooError, match=f"can't be read as an HDF5 file: {reason}"):
        read(path)
    assert time.monotonic() - before < 20


def test_modules_in_the_current_folder_are_not_executed(path, monkeypatch):
    (path.parent / "h5py.py").write_text("raise SystemExit('executed')")
    with h5py.File(path, "w") as file:
        file["images"] = IMAGES
    monkeypatch.chdir(path.parent)
    np.testing.assert_array_equal(read(path), IMAGES)


@given(data=st.data(), stored=st.sampled_from([{}, {"compression": "gzip"}, {"chunks": (3, 4, 2, 3)}]))
@settings(deadline=timedelta(seconds=60), max_examples=25)  # each starts a process
def test_a_damaged_file_is_refused_or_read_never_worse(data, stored, tmp_path_factory):
    path = tmp_path_factory.mktemp("h5") / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=IMAGES, **stored)
        file["labels"] = np.arange(11)
    content = bytearray(path.read_bytes())
    used = [place for place, byte in enumerate(content) if byte]
    changes = st.dictionaries(st.sampled_from(used), st.integers(0, 255), min_size=1, max_size=8)
    for place, byte in data.draw(changes).items():
        content[place] = byte
    path.write_bytes(content[: data.draw(st.integers(1, len(content)) | st.just(len(content)))])
    try:
        images = read(path)
    except ZooError:
        return
    assert images.dtype.kind == "u"
    assert images.ndim in (3, 4)
