import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo_core.data import array_file
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.array_files import open_npz


@pytest.fixture
def saved(tmp_path):
    """`saved(...)` is the path of what `np.savez(...)` wrote."""

    def save(*arrays, **named):
        np.savez(tmp_path / "images.npz", *arrays, **named)
        return tmp_path / "images.npz"

    return save


def everything(stored):
    return stored.read(0, len(stored))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_images_and_labels_come_back(images, channels, save, tmp_path):
    array, labels = images(9, 5, channels), np.arange(9)
    save(tmp_path / "a.npz", images=array, labels=labels, notes=np.zeros(3))
    stored = open_npz(tmp_path / "a.npz")
    assert (len(stored), stored.shape) == (9, (5, 5, channels))
    assert np.array_equal(everything(stored), array)
    assert np.array_equal(stored.pick(np.array([8, 0])), array[[8, 0]])
    assert stored.labels.dtype == np.int32
    assert np.array_equal(stored.labels, labels)
    assert stored.classes == ()
    assert stored.name == str(tmp_path / "a.npz")


def test_the_sample_files_of_guided_diffusion(images, saved):
    array, labels = images(9, 5, 3), np.arange(9)
    stored = open_npz(saved(array, labels))
    assert np.array_equal(everything(stored), array)
    assert np.array_equal(stored.labels, labels)


def test_the_only_array_like_images_is_taken_and_other_labels_are_not(images, saved):
    array = images(9, 5, 3)
    stored = open_npz(saved(samples=array, arr_1=np.arange(9), sigma=np.zeros((3, 3))))
    assert np.array_equal(everything(stored), array)
    assert stored.labels is None


@pytest.mark.parametrize("second", [np.zeros((9, 10)), np.arange(8), np.zeros(9)])
def test_a_second_array_that_can_be_no_labels_is_none(images, saved, second):
    assert open_npz(saved(images(9, 5, 3), second)).labels is None


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_the_order_in_the_file_does_not_matter(images, order, suffix, tmp_path):
    array, path = images(9, 5, 3), tmp_path / f"a.{suffix}"
    save = np.save if suffix == "npy" else np.savez
    save(path, np.asarray(array, order=order))
    stored = open_npz(path)
    assert np.array_equal(everything(stored), array)
    np.save(tmp_path / "plain.npy", array)
    assert stored.content_hash == open_npz(tmp_path / "plain.npy").content_hash


def test_the_content_hash_is_of_the_images_in_their_order(images, saved):
    array = images(9, 5, 3)
    first = open_npz(saved(images=array)).content_hash
    assert open_npz(saved(array, np.arange(9))).content_hash == first
    assert open_npz(saved(images=array[::-1])).content_hash != first


def test_gray_images_need_no_axis_of_channels(images, saved):
    assert np.array_equal(everything(open_npz(saved(images(9, 5)[..., 0]))), images(9, 5))


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_sixteen_bits_lose_the_lower_eight(saved, dtype):
    array = np.array([0, 255, 256, 65535], dtype).reshape(1, 2, 2, 1).repeat(2, axis=2)
    assert everything(open_npz(saved(array)))[0, :, 0, 0].tolist() == [0, 1]
    assert everything(open_npz(saved(array)))[0, :, 3, 0].tolist() == [0, 255]


def test_transparency_goes_onto_white_as_in_image_files(images, saved):
    array = images(1100, 2, 4)
    found = everything(open_npz(saved(array)))
    assert found.shape == (1100, 2, 2, 3)
    for number in (0, 1099):
        image = Image.fromarray(array[number])
        expected = Image.alpha_composite(Image.new("RGBA", (2, 2), "white"), image).convert("RGB")
        assert np.array_equal(found[number], expected)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros((2, 4, 4, 3))}, r"received float64.*np\.floor\(127\.5 \* x \+ 128\).*x in \[-1, 1\]"),
        ({"images": np.zeros((2, 3, 4, 4), np.float32)}, "received float32"),
        ({"images": np.zeros((2, 4, 4, 3), np.int64)}, r"received int64.*array\.astype\(np\.uint8\)"),
        ({"images": np.zeros((2, 4, 4, 3), bool)}, "received bool"),
        ({"images": np.zeros((2, 4, 4, 3), "S1")}, r"received \|S1"),
        ({"images": np.zeros((2, 3, 8, 8), np.uint8)}, r"Channels come last: array\.transpose\(0, 2, 3, 1\)"),
        ({"images": np.zeros((2, 8, 8, 2), np.uint8)}, r"C 1, 3 or 4.*received uint8 \(2, 8, 8, 2\)"),
        ({"images": np.zeros((8, 8, 3), np.uint8)}, r"single image.*array\[None\]"),
        ({"images": np.zeros((8, 8), np.uint8)}, r"received uint8 \(8, 8\)"),
        ({"images": np.zeros((0, 8, 8, 3), np.uint8)}, r"received uint8 \(0, 8, 8, 3\)"),
        ({"images": np.zeros((), np.uint8)}, r"received uint8 \(\)"),
        ({"a": np.zeros((2, 8, 8), np.uint8), "b": np.zeros((2, 8, 8), np.uint8)}, r"'a' uint8.*np\.savez\("),
        ({"a": np.zeros(3)}, r"one array of images.*'a' float64 \(3,\)"),
        ({}, "it holds no arrays"),
        ({"images": np.zeros((2, 8, 8), np.uint8), "labels": np.zeros(3, int)}, "'labels'.*2 integers"),
        ({"images": np.zeros((2, 8, 8), np.uint8), "labels": np.zeros(2)}, r"'labels'.*received float64 \(2,\)"),
        ({"images": np.zeros((2, 8, 8), np.uint8), "labels": np.array([0, -1])}, "numbers from 0, received -1 to 0"),
        ({"images": np.zeros((2, 8, 8), np.uint8), "labels": np.array([0, 2**40])}, "numbers from 0"),
    ],
)
def test_what_is_no_images_is_refused(arrays, message, saved):
    with pytest.raises(UsageError, match=message):
        open_npz(saved(**arrays))


class Evil:
    def __reduce__(self):
        return pytest.fail, ("it was executed",)


def test_pickles_are_never_loaded(saved, tmp_path):
    evil = np.array([Evil(), Evil()], dtype=object)
    with pytest.raises(UsageError, match="received object"):
        open_npz(saved(images=evil.reshape(2, 1, 1, 1)))
    np.save(tmp_path / "evil.npy", evil.reshape(2, 1, 1, 1), allow_pickle=True)
    with pytest.raises(UsageError, match="received object"):
        open_npz(tmp_path / "evil.npy")
    (tmp_path / "evil.npy").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(ZooError, match="can't be read as a NumPy file"):
        open_npz(tmp_path / "evil.npy")


def header(shape, dtype="|u1"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def archive(path, content, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("images.npy", content)
    return path


@pytest.mark.parametrize("shape", [(2**40, 8, 8, 3), (2, 8, 8, 3), (5, 8, 8, 3), (2**62, 2**62, 2**62, 1)])
def test_a_header_that_promises_something_else_is_refused(shape, tmp_path):
    content = header(shape) + bytes(4 * 8 * 8 * 3)
    with pytest.raises(ZooError, match="does not fit its length"):
        open_npz(archive(tmp_path / "a.npz", content))
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(ZooError, match="does not fit its length"):
        open_npz(tmp_path / "a.npy")


def test_a_negative_shape_and_a_later_version_are_refused(tmp_path):
    (tmp_path / "a.npy").write_bytes(header((-1, 8, 8, 3)))
    with pytest.raises(ZooError, match="can't be read"):
        open_npz(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\x7f")  # a header of 2 GiB
    with pytest.raises(ZooError, match=r"version 2\.0"):
        open_npz(tmp_path / "a.npy")


def test_what_would_be_far_larger_when_unpacked_is_refused(tmp_path, monkeypatch):
    content = header((700, 64, 64, 3)) + bytes(700 * 64 * 64 * 3)
    path = archive(tmp_path / "a.npz", content)
    open_npz(path)  # 8 MiB may be all black
    monkeypatch.setattr(array_file, "SUSPECT", 2**20)
    with pytest.raises(ZooError, match=r"would be 8 MiB when unpacked, from 0\.0 MiB.*Larger ones as \.npy"):
        open_npz(path)
    monkeypatch.setattr(array_file, "LARGEST", 2**22)
    with pytest.raises(ZooError, match="would be 8 MiB"):
        open_npz(archive(path, content, zipfile.ZIP_STORED))


def test_memory_stays_small(images, tmp_path):
    np.savez(tmp_path / "a.npz", np.broadcast_to(images(1000, 1, 3), (1000, 100, 100, 3)))  # 30 MB
    tracemalloc.start()
    try:
        stored = open_npz(tmp_path / "a.npz")
        assert sum(int(chunk[:, 0, 0, 0].sum()) for chunk in stored.chunks(100)) > 0
        assert tracemalloc.get_traced_memory()[1] < 12e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_no_single_byte_changes_what_is_read(save, tmp_path):
    array = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    save(tmp_path / "a.npz", images=array, labels=np.array([7]))
    content = (tmp_path / "a.npz").read_bytes()
    for place in range(len(content)):
        (tmp_path / "a.npz").write_bytes(content[:place] + bytes([255 * (content[place] == 0)]) + content[place + 1 :])
        try:
            stored = open_npz(tmp_path / "a.npz")
        except ZooError:
            continue
        assert np.array_equal(everything(stored), array), place
        assert stored.labels.tolist() == [7], place


@given(data=st.data(), save=st.sampled_from([np.savez, np.savez_compressed]))
@settings(max_examples=150)
def test_a_damaged_archive_is_refused_or_read_never_worse(data, save, tmp_path_factory):
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    array = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3)).astype(np.uint8)
    save(path, images=array, labels=np.arange(3))
    path.write_bytes(data.draw(_damaged(path.read_bytes())))
    try:
        stored = open_npz(path)
    except ZooError:
        return
    assert np.array_equal(everything(stored), array)
    assert stored.labels.tolist() == [0, 1, 2]


@given(data=st.data())
@settings(max_examples=150)
def test_a_damaged_array_is_refused_or_read_never_worse(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("npy") / "a.npy"
    np.save(path, np.zeros((3, 4, 5, 3), np.uint8))
    path.write_bytes(data.draw(_damaged(path.read_bytes(), 128)))
    try:
        stored = open_npz(path)
    except ZooError:
        return
    assert stored.read(0, len(stored)).dtype == np.uint8
    assert len(stored) * np.prod(stored.shape) == 180


@given(tail=st.binary(max_size=300), start=st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY\x01\x00"]))
def test_any_bytes_are_refused(tmp_path_factory, tail, start):
    path = tmp_path_factory.mktemp("bytes") / "a.npz"
    path.write_bytes(start + tail)
    with pytest.raises(ZooError):
        open_npz(path)


def _damaged(content, until=None):
    """The ways to cut a file short, or to alter up to 8 of its first `until` bytes."""

    def alter(changes):
        altered = bytearray(content)
        for place, byte in changes.items():
            altered[place] = byte
        return bytes(altered)

    places = st.integers(0, (until or len(content)) - 1)
    alterations = st.dictionaries(places, st.integers(0, 255), min_size=1, max_size=8)
    return st.integers(0, len(content) - 1).map(lambda end: content[:end]) | alterations.map(alter)
