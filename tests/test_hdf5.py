"""Whatever a file holds or lacks, there is one kind of error, and nothing outside of it is touched."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from zoo_core import hdf5

ARRAYS = {"whole": np.array(7, "int32"), "deep/er/matrix": np.arange(6, dtype="float32").reshape(2, 3)}
MATRIX = "group/deep/er/matrix"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file.h5"
    with hdf5.create(path, "zoo-test", 1) as file:
        hdf5.write_text(file, "name", "dög")
        hdf5.write_arrays(file.create_group("group"), ARRAYS)
    return path


def read(source: Path | bytes) -> tuple[str, dict[str, np.ndarray]]:
    with hdf5.reading(source, "zoo-test", 1) as file:
        return hdf5.read_text(file, "name"), hdf5.read_arrays(hdf5.child(file, "group", h5py.Group), ARRAYS)


def test_what_is_written_is_read_from_a_path_and_from_its_content(path: Path):
    for source in (path, path.read_bytes()):
        name, arrays = read(source)
        assert name == "dög"
        for key, array in ARRAYS.items():
            np.testing.assert_array_equal(arrays[key], array)
            assert arrays[key].dtype == array.dtype


@pytest.mark.parametrize(
    ("text", "expected"), [("", ""), ("x" * 100_000, "x" * 100_000), ("odd \udcff name", r"odd \udcff name")]
)
def test_a_text_of_any_length_and_bytes_that_are_no_text(text: str, expected: str):
    buffer = io.BytesIO()
    with hdf5.create(buffer, "zoo-test", 1) as file:
        hdf5.write_text(file, "name", text)
    with hdf5.reading(buffer.getvalue(), "zoo-test", 1) as file:
        assert hdf5.read_text(file, "name") == expected


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n\x03", b"GIF89a and more", bytes(5000)])
def test_what_is_not_hdf5_is_refused(content: bytes, tmp_path: Path):
    (tmp_path / "file.h5").write_bytes(content)
    for source in (content, tmp_path / "file.h5"):
        with pytest.raises(hdf5.Broken):
            read(source)


@pytest.mark.parametrize("layout", ["earliest", "v108"])
def test_a_file_of_an_older_layout_is_refused(layout: str, tmp_path: Path):
    with h5py.File(tmp_path / "file.h5", "w", libver=(layout, "latest")) as file:
        file.attrs["format"] = np.bytes_("zoo-test")
    with pytest.raises(hdf5.Broken, match=r"HDF5 1\.10"):
        read(tmp_path / "file.h5")


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(hdf5.Broken, match="No such file"):
        read(tmp_path / "absent.h5")


@pytest.mark.parametrize(
    "error", [OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError, MemoryError]
)
def test_the_errors_of_libraries_and_of_the_readers_own_checks_become_one(error: type[Exception], path: Path):
    with pytest.raises(hdf5.Broken, match="because of this"), hdf5.reading(path, "zoo-test", 1):
        raise error("because of this")


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("format", np.bytes_("keras"), "'format' should be 'zoo-test', received 'keras'"),
        ("format", None, "'format' should be a text of fixed length"),
        ("schema", 2, "this version reads schema 1, received 2"),
        ("schema", np.bytes_("1"), "'schema' should be an integer"),
        ("schema", [1, 1], "'schema' should be an integer"),
        ("schema", None, "'schema' should be an integer"),
        ("name", "of variable length", "'name' should be a text of fixed length"),
        ("name", np.array([b"cat", b"dog"]), "'name' should be a text of fixed length"),
        ("name", h5py.Empty("S1"), "'name' should be a text of fixed length"),
        ("name", 1, "'name' should be a text of fixed length"),
        ("name", np.bytes_(b"\xff"), "utf-8"),
    ],
)
def test_an_attribute_of_another_value_or_type_is_refused(attribute: str, value: object, reason: str, path: Path):
    with h5py.File(path, "r+") as file:
        del file.attrs[attribute]
        if value is not None:
            file.attrs[attribute] = value
    with pytest.raises(hdf5.Broken, match=reason):
        read(path)


def soft_link(file: h5py.File, other: Path) -> None:
    file.move(MATRIX, "elsewhere")
    file[MATRIX] = h5py.SoftLink("/elsewhere")


def soft_link_on_the_way(file: h5py.File, other: Path) -> None:
    file.move("group/deep", "elsewhere")
    file["group/deep"] = h5py.SoftLink("/elsewhere")


def external_link(file: h5py.File, other: Path) -> None:
    del file[MATRIX]
    file[MATRIX] = h5py.ExternalLink(str(other), MATRIX)


def external_link_on_the_way(file: h5py.File, other: Path) -> None:
    del file["group/deep"]
    file["group/deep"] = h5py.ExternalLink(str(other), "group/deep")


def group_in_its_place(file: h5py.File, other: Path) -> None:
    del file[MATRIX]
    file.create_group(MATRIX)


def array_on_the_way(file: h5py.File, other: Path) -> None:
    del file["group/deep"]
    file["group/deep"] = 1


def missing(file: h5py.File, other: Path) -> None:
    del file[MATRIX]


def replaced(**arguments: object) -> Callable[[h5py.File, Path], None]:
    def spoil(file: h5py.File, other: Path) -> None:
        del file[MATRIX]
        file.create_dataset(MATRIX, **arguments)

    return spoil


def external_storage(file: h5py.File, other: Path) -> None:
    replaced(shape=(2, 3), dtype="float32", external=[(str(other), 0, 24)])(file, other)


def virtual(file: h5py.File, other: Path) -> None:
    del file[MATRIX]
    layout = h5py.VirtualLayout((2, 3), "float32")
    layout[:] = h5py.VirtualSource(str(other), MATRIX, (2, 3))
    file.create_virtual_dataset(MATRIX, layout)


MATRIX_DATA = ARRAYS["deep/er/matrix"]
NO_ARRAY = f"'{MATRIX}' should be a data set within the file"
NOT_PLAIN = f"'{MATRIX}' should be contiguous and uncompressed, in the file itself"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (soft_link, NO_ARRAY),
        (soft_link_on_the_way, NO_ARRAY),
        (external_link, NO_ARRAY),
        (external_link_on_the_way, NO_ARRAY),
        (group_in_its_place, NO_ARRAY),
        (array_on_the_way, NO_ARRAY),
        (missing, NO_ARRAY),
        (external_storage, NOT_PLAIN),
        (virtual, NOT_PLAIN),
        (replaced(data=MATRIX_DATA, chunks=(1, 3)), NOT_PLAIN),
        (replaced(data=MATRIX_DATA, compression="gzip"), NOT_PLAIN),
        (replaced(data=MATRIX_DATA, fletcher32=True), NOT_PLAIN),
        (replaced(data=MATRIX_DATA.T), r"should be float32 \(2, 3\), received float32 \(3, 2\)"),
        (replaced(data=MATRIX_DATA.astype("float64")), r"received float64 \(2, 3\)"),
        (replaced(data=MATRIX_DATA.astype(">f4")), r"received >f4 \(2, 3\)"),
        (replaced(data=np.full((2, 3), "text", h5py.string_dtype())), r"received object \(2, 3\)"),
    ],
)
def test_what_is_not_the_expected_array_in_the_file_itself_is_refused(
    spoil: Callable[[h5py.File, Path], None], reason: str, path: Path
):
    other = shutil.copy(path, path.with_name("other.h5"))
    with h5py.File(path, "r+") as file:
        spoil(file, other)
    with pytest.raises(hdf5.Unexpected, match=reason):
        read(path)


def test_no_array_stands_for_a_group(path: Path):
    with (
        pytest.raises(hdf5.Unexpected, match="'group/whole' should be a group"),
        hdf5.reading(path, "zoo-test", 1) as f,
    ):
        hdf5.child(f, "group/whole", h5py.Group)


def test_altered_arrays_are_found_out(path: Path):
    with h5py.File(path, "r+") as file:
        file[MATRIX][0, 0] = 9
    with pytest.raises(hdf5.Broken, match="its checksum does not fit its content"):
        read(path)


@pytest.mark.parametrize("layout", ["earliest", "v108", "v110"])
def test_a_file_of_another_program_is_told_from_ours(layout: str, path: Path, tmp_path: Path):
    with h5py.File(tmp_path / "other.h5", "w", libver=(layout, "latest")) as file:
        file["images"] = np.zeros(3)
    assert hdf5.is_foreign(tmp_path / "other.h5")
    assert not hdf5.is_foreign(path)
    path.write_bytes(path.read_bytes()[:60])
    assert not hdf5.is_foreign(path), "what is left of ours is ours"
    path.write_bytes(b"GIF89a and more")
    assert not hdf5.is_foreign(path)
    assert not hdf5.is_foreign(tmp_path)
    assert not hdf5.is_foreign(tmp_path / "absent.h5")
