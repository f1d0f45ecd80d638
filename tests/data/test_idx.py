import gzip
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core.data import idx
from zoo_core.data.idx import is_idx, reading_idx
from zoo_core.errors import ZooError


def as_idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


IMAGES = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)


@pytest.mark.parametrize("array", [IMAGES, np.array([5, 0, 4], np.uint8)])
def test_an_array_comes_back(array, tmp_path):
    (tmp_path / "plain").write_bytes(as_idx(array))
    (tmp_path / "compressed").write_bytes(gzip.compress(as_idx(array)))
    for name in ("plain", "compressed"):
        with reading_idx(tmp_path / name) as file:
            assert file.shape == array.shape
            placed = file.placed()
            np.testing.assert_array_equal(file.read(), array)
        assert (placed is None) == (name == "compressed")
        if placed:
            np.testing.assert_array_equal(placed.open(), array)
    assert is_idx(as_idx(array))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not start"),
        (b"\0\0\x0d\x03", "does not start as a file of unsigned bytes"),
        (b"\0\0\x08\x02" + bytes(8), "1 or 3 dimensions.*received 2"),
        (b"\0\0\x08\x03" + bytes(11), "1 or 3 dimensions"),
        (b"\0\0\x08\x03" + bytes(12), r"array \(0, 0, 0\) is empty"),
        (as_idx(IMAGES)[:-1], "does not fit its length"),
        (as_idx(IMAGES) + b"\0", "does not fit its length"),
        (struct.pack(">BBBB3I", 0, 0, 8, 3, *[2**32 - 1] * 3), "does not fit its length|MiB when unpacked"),
    ],
)
def test_anything_else_is_refused(content, message, tmp_path):
    for name, packed in (("plain", content), ("compressed", gzip.compress(content))):
        (tmp_path / name).write_bytes(packed)
        with pytest.raises(ZooError, match=message), reading_idx(tmp_path / name) as file:
            assert file.placed() is not None or file.read() is not None


def test_what_would_be_far_larger_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    (tmp_path / "a.gz").write_bytes(gzip.compress(as_idx(np.zeros((700, 64, 64), np.uint8))))
    monkeypatch.setattr(idx, "SUSPECT", 2**20)
    with pytest.raises(ZooError, match="would be 3 MiB when unpacked"), reading_idx(tmp_path / "a.gz") as file:
        next(file.blocks())


@given(data=st.data(), compressed=st.booleans())
@settings(max_examples=200)
def test_a_damaged_file_is_refused_or_read_never_worse(data, compressed, tmp_path_factory):
    content = as_idx(IMAGES)
    content = gzip.compress(content, mtime=0) if compressed else content
    places = st.integers(0, len(content) - 1)
    if data.draw(st.booleans()):
        content = content[: data.draw(places)]
    else:
        altered = bytearray(content)
        for place, byte in data.draw(st.dictionaries(places, st.integers(0, 255), min_size=1, max_size=8)).items():
            altered[place] = byte
        content = bytes(altered)
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(content)
    try:
        with reading_idx(path) as file:
            placed = file.placed()
            array = file.read() if placed is None else placed.open()
    except ZooError:
        return
    assert array.dtype == np.uint8
    assert array.size == 24


@given(content=st.binary(max_size=100), compressed=st.booleans())
def test_any_bytes_are_refused_or_an_array_of_them(content, compressed, tmp_path_factory):
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(gzip.compress(b"\0\0\x08" + content) if compressed else content)
    try:
        with reading_idx(path) as file:
            array = file.read()
    except ZooError:
        return
    assert array.nbytes <= len(content)
