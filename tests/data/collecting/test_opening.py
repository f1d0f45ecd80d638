import struct

import numpy as np
import pytest

from zoo_core.data.collecting.arrays import Arrays
from zoo_core.data.collecting.folder import Folder
from zoo_core.data.collecting.tar import Tar
from zoo_core.data.collecting.zip import Zip
from zoo_core.errors import UsageError, ZooError


def test_what_a_file_is_does_not_depend_on_its_name(write_tar, write_zip, tmp_path, opened):
    assert isinstance(opened(write_tar({"1.png": b""}, name="a.zip")), Tar)
    assert isinstance(opened(write_tar({"1.png": b""}, "xz", name="a.npz")), Tar)
    assert isinstance(opened(write_zip({"1.png": b""}, name="a.tar")), Zip)
    np.savez(tmp_path / "a", np.zeros((2, 5, 5), np.uint8))
    (tmp_path / "a.npz").rename(tmp_path / "a.jpg")
    assert isinstance(opened(tmp_path / "a.jpg"), Arrays)


def test_a_tar_whose_last_member_is_a_zip_is_a_tar(write_tar, write_zip, opened):
    inner = write_zip({"1.png": b""}).read_bytes()
    assert isinstance(opened(write_tar({"1.png": b"", "x.zip": inner})), Tar)


def test_a_folder_may_be_named_with_or_without_its_kind(write_tree, opened, monkeypatch):
    root = write_tree({"1.png": b""})
    assert isinstance(opened(root), Folder)
    assert isinstance(opened(f"folder:{root}"), Folder)
    monkeypatch.setenv("HOME", str(root.parent))
    source = opened("folder:~/images")
    assert isinstance(source, Folder)
    assert source.name == "folder:~/images"


def test_a_built_in_set_goes_before_a_folder_of_its_name(write_tree, opened, monkeypatch):
    root = write_tree({"1.png": b""}, "digits")
    monkeypatch.chdir(root.parent)
    assert isinstance(opened("digits"), Arrays)
    assert isinstance(opened("./digits"), Folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.tar", b"", r"empty\.tar' is empty\. Accepted are folders of images, tar and zip"),
        ("notes.txt", b"some notes\n", r"notes\.txt' is nothing that images are taken from\. Accepted are"),
        ("1.png", b"\x89PNG", r"1\.png' is a single image\. Name the folder"),
        ("binary", b"\n\n\xff\xfe", "nothing that images are taken from"),
    ],
)
def test_other_files_are_refused(name, content, message, tmp_path, opened):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        opened(tmp_path / name)


def test_an_archive_of_several_disks_is_an_archive(tmp_path, opened):
    """Which `zipfile.is_zipfile` does not say, but raises."""
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 2)
    end = b"PK\x05\x06" + bytes(18)
    (tmp_path / "odd").write_bytes(b"odd " + locator + end)
    source = opened(tmp_path / "odd")
    assert isinstance(source, Zip)
    with pytest.raises(ZooError, match="is damaged or incomplete: zipfiles that span multiple disks"):
        list(source.entries())


def test_what_is_not_there(tmp_path, opened, write_tree):
    for text in (tmp_path / "gone", f"folder:{tmp_path}/gone", "folder:gone", "gone.tar"):
        with pytest.raises(UsageError, match=r"There is no file or folder '.*gone"):
            opened(text)
    with pytest.raises(ZooError, match=r"Can't read '.*File name too long"):
        opened(tmp_path / ("x" * 300))
    with pytest.raises(UsageError, match=r"There is no file '.*gone\.h5'"):
        opened("h5:gone.h5")
    with pytest.raises(UsageError, match=r"Unknown data set 'mnit'\. Did you mean 'mnist'\?"):
        opened("mnit")
    with pytest.raises(
        UsageError, match=r"Unknown data set 'zzz'\. There is no such file or folder\. Data sets: digits"
    ):
        opened("zzz")


def test_a_file_is_no_folder(write_tar, opened):
    path = write_tar({"1.png": b""})
    with pytest.raises(UsageError, match=f"should be a folder of images, but it is a file. To use it, write {path}"):
        opened(f"folder:{path}")
    with pytest.raises(ZooError, match="is not a zoo data set"):
        opened(f"h5:{path}")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.zip", b"PK\x03\x04" + bytes(50), "is damaged or incomplete"),
        ("a.npz", b"PK\x03\x04" + bytes(50), "can't be read as a NumPy file"),
        ("a.npy", b"\x93NUMPY\x01\x00\x05", "can't be read as a NumPy file"),
        ("a.h5", b"\x89HDF\r\n\x1a\n\x03" + bytes(99), "is not a zoo data set"),
        ("a.gz", b"\x1f\x8b" + bytes(50), "is damaged or incomplete"),
        ("a.xz", b"\xfd7zXZ\0" + bytes(50), "is damaged or incomplete"),
    ],
)
def test_damaged_files_are_called_by_what_they_would_be(name, content, message, tmp_path, opened):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ZooError, match=message):
        list(opened(tmp_path / name).items())
