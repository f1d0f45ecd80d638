import zipfile

import numpy as np
import pytest

from zoo_core.data import array_file, npz
from zoo_core.data.array_file import numbered_labels
from zoo_core.data.npz import reading_numpy
from zoo_core.errors import UsageError, ZooError


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_an_archive_are_read_and_never_mapped(order, save, tmp_path):
    array = np.asarray(np.arange(24, dtype=">u2").reshape(2, 3, 4), order=order)
    save(tmp_path / "a.npz", array=array, other=np.zeros(3))
    with reading_numpy(tmp_path / "a.npz") as file:
        assert set(file.headers) == {"array", "other"}
        assert file.placed("array") is None
        np.testing.assert_array_equal(file.read("array"), array)
        assert b"".join(file.blocks("array")) == array.tobytes(order="A")


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_single_array_is_mapped_from_where_it_lies(order, tmp_path):
    array = np.asarray(np.arange(24, dtype=">u2").reshape(2, 3, 4), order=order)
    np.save(tmp_path / "a.npy", array)
    with reading_numpy(tmp_path / "a.npy") as file:
        placed = file.placed("")
        np.testing.assert_array_equal(file.read(""), array)
    mapped = placed.open()
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable
    np.testing.assert_array_equal(mapped, array)


def test_what_would_be_far_larger_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", images=np.zeros((700, 64, 64, 3), np.uint8))
    with reading_numpy(tmp_path / "a.npz") as file:
        assert file.read("images").nbytes == 700 * 64 * 64 * 3
        monkeypatch.setattr(array_file, "SUSPECT", 2**20)
        with pytest.raises(ZooError, match=r"would be 8 MiB when unpacked, from 0\.0 MiB"):
            next(file.blocks("images"))
        monkeypatch.setattr(array_file, "SUSPECT", 2**26)
        monkeypatch.setattr(array_file, "LARGEST", 2**22)
        with pytest.raises(ZooError, match=r"Accepted are 0 GiB.*Larger ones as \.npy"):
            next(file.blocks("images"))


def test_labels_are_numbers_of_classes():
    assert numbered_labels(np.array([[3], [0]], ">i8"), "it").tolist() == [3, 0]
    assert numbered_labels(np.array([3, 0], np.uint8), "it").dtype == np.int32
    for wrong in (-1, 2**31):
        with pytest.raises(UsageError, match=r"labels of it should be numbers from 0, received"):
            numbered_labels(np.array([wrong, 5]), "it")


def test_errors_in_the_block_are_those_of_the_file(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 4, 4), np.uint8))
    with (
        pytest.raises(ZooError, match=r"a\.npz' can't be read as a NumPy file: odd\."),
        reading_numpy(tmp_path / "a.npz"),
    ):
        raise ValueError("odd")


@pytest.mark.parametrize(("stated", "whole"), [(3, True), (0xFFFF, True), (2, False), (4, False)])
def test_the_number_of_entries_is_what_the_end_says_or_stands_elsewhere(stated, whole, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3):
            archive.writestr(f"{number}", b"")
    content = path.read_bytes()
    path.write_bytes(content[:-12] + stated.to_bytes(2, "little") + content[-10:])
    with zipfile.ZipFile(path) as archive:
        if whole:
            npz.check_entries(path, archive)
        else:
            with pytest.raises(ValueError, match=f"should hold {stated} files, but 3 are found"):
                npz.check_entries(path, archive)
