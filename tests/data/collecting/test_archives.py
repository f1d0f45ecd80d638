import gzip
import io
import os
import pickle
import random
import tarfile
import tracemalloc
import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo_core.data.collecting import open_source, tar, unpacking
from zoo_core.errors import UsageError, ZooError

FILES = {"cifar/train/cat/1.png": b"11", "cifar/train/dog/2.png": b"", "cifar/test/cat/3.jpg": b"333"}
EXPECTED = {"train/cat/1.png": ("train", "cat"), "train/dog/2.png": ("train", "dog"), "test/cat/3.jpg": ("test", "cat")}
READ = {path.removeprefix("cifar/"): content for path, content in FILES.items()}


def member(name, kind, target="", size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


@pytest.fixture(params=["tar", "gz", "bz2", "xz", "zip", "deflated"])
def write(request, write_tar, write_zip):
    """Writes an archive of each kind."""
    if request.param in ("zip", "deflated"):
        compression = zipfile.ZIP_STORED if request.param == "zip" else zipfile.ZIP_DEFLATED
        return lambda files, name="images.archive": write_zip(files, compression, name)
    compression = request.param.removeprefix("tar")
    return lambda files, name="images.archive": write_tar(files, compression, name)


def test_an_archive_is_read_like_the_folder_that_was_packed(write, opened, found, contents):
    source = opened(write(FILES))
    assert found(source) == EXPECTED
    assert contents(source) == READ
    assert source.label_origin == "folder"


def test_without_a_common_folder(write, opened, found):
    assert found(opened(write({"cat/1.png": b"", "dog/2.png": b"", "3.png": b""}))) == {
        "cat/1.png": (None, "cat"),
        "dog/2.png": (None, "dog"),
        "3.png": (None, None),
    }


def test_others_are_counted_hidden_ones_are_not_and_names_are_harmless(write, opened, found):
    files = {"../../etc/1.png": b"", "/abs/2.png": b"", "./a/./3.png": b"", "a/notes.txt": b""}
    source = opened(write(files | {"a/._3.png": b"", "__MACOSX/.b/4.png": b""}))
    assert set(found(source)) == {"etc/1.png", "abs/2.png", "a/3.png"}
    assert source.ignored == {".txt": 1}


def test_workers_open_it_for_themselves(write, opened, contents):
    source = opened(write(FILES))
    items = list(source.items())
    source.read(items[0])
    pickled = pickle.dumps(source)
    assert len(pickled) < 1000
    again = pickle.loads(pickled)
    assert {item.path: again.read(item) for item in items} == READ


def test_an_archive_without_images(write, opened):
    with pytest.raises(UsageError, match=r"holds no images; left out: 1 \.txt"):
        list(opened(write({"a.txt": b"text"})).items())


def test_the_fingerprint_changes_with_the_file(write, opened):
    path = write(FILES)
    first = opened(path).fingerprint()
    assert opened(path).fingerprint() == first
    os.utime(path, ns=(1, 1))
    assert opened(path).fingerprint() != first


def test_it_is_unpacked_once(write_tar, opened, work, contents, monkeypatch):
    path = write_tar(FILES, "gz")
    opened(path)
    (unpacked,) = work.iterdir()
    monkeypatch.setattr(tar, "_blocks", lambda _: pytest.fail("it was unpacked again"))
    assert contents(opened(path)) == READ
    assert list(work.iterdir()) == [unpacked]


def test_links_and_special_files_are_left_out(write_tar, opened, found):
    members = [
        member("b/link.png", tarfile.SYMTYPE, "/etc/passwd"),
        member("b/hard.png", tarfile.LNKTYPE, "a/1.png"),
        member("b/pipe.png", tarfile.FIFOTYPE),
        member("b/device.png", tarfile.CHRTYPE),
        member("b/folder.png", tarfile.DIRTYPE),
    ]
    source = opened(write_tar({"a/1.png": b"1"} | {one.name: one for one in members}))
    assert list(found(source)) == ["1.png"]
    assert source.ignored == {"link": 2, "special file": 2}


def test_links_in_a_zip_are_left_out(write_zip, opened, found):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    source = opened(write_zip({"1.png": b"1", link: b"/etc/passwd", "folder.png/": b""}))
    assert list(found(source)) == ["1.png"]
    assert source.ignored == {"link": 1}


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_and_odd_names(format, tmp_path, opened, contents):
    names = ["d/" + "x" * 90 + ".png", "d/ä.png", "d/caf\udce9.png"]
    names += ["d/" + "y" * 240 + ".png"] * (format != tarfile.USTAR_FORMAT)
    with tarfile.open(tmp_path / "a.tar", "w", format=format, encoding="utf-8") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"123"))
    assert contents(opened(tmp_path / "a.tar")) == {name.removeprefix("d/"): b"123" for name in names}


def test_the_same_name_twice_is_two_images(tmp_path, opened):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for content in (b"1", b"22"):
            info = tarfile.TarInfo("1.png")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    source = opened(tmp_path / "a.tar")
    assert [source.read(item) for item in source.items()] == [b"1", b"22"]


def test_a_member_that_is_too_large_is_not_read(tmp_path, opened):
    with (tmp_path / "a.tar").open("wb") as file:
        info = tarfile.TarInfo("1.png")
        info.size = 2**28 + 512
        file.write(info.tobuf())
        file.truncate(512 + info.size + 1024)
    source = opened(tmp_path / "a.tar")
    with pytest.raises(ValueError, match="it has 256 MiB, more than 256"):
        source.read(next(source.items()))


def test_an_encrypted_member_says_so(write_zip, opened):
    path = write_zip({"1.png": b"1"})
    content = bytearray(path.read_bytes())
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + flags] |= 1
    path.write_bytes(content)
    source = opened(path)
    with pytest.raises(RuntimeError, match="encrypted"):
        source.read(next(source.items()))


def test_a_member_that_is_damaged_is_alone(write_zip, opened):
    path = write_zip({"1.png": b"first", "2.png": b"other"})
    path.write_bytes(path.read_bytes().replace(b"first", b"worst"))
    source = opened(path)
    one, two = source.items()
    with pytest.raises(zipfile.BadZipFile, match="CRC"):
        source.read(one)
    assert source.read(two) == b"other"


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
def test_a_tar_that_ends_early_is_refused(compression, share, write_tar, opened, found):
    numbers = random.Random(0)
    path = write_tar({f"a/{number}.png": numbers.randbytes(3000) for number in range(9)}, compression)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ZooError, match=r"is damaged or incomplete.*Fetch it again"):
        found(opened(path))


@pytest.mark.parametrize("place", [3 * 1024, 3 * 1024 + 150])
def test_a_damaged_header_in_the_middle_does_not_pass_for_the_end(place, write_tar, opened, found):
    path = write_tar({f"{number}.png": b"x" for number in range(9)})
    content = bytearray(path.read_bytes())
    content[place] ^= 255
    path.write_bytes(content)
    with pytest.raises(ZooError, match="damaged at byte 3072"):
        found(opened(path))


def test_sizes_below_nothing_and_long_headers_are_refused(tmp_path, opened, found):
    for name, kind, size, message in (
        ("loop.png", tarfile.REGTYPE, -1024, "the size of 'loop.png' makes no sense"),
        ("x", tarfile.GNUTYPE_LONGNAME, 2**30, "a header of 1073741824 bytes"),
        ("x", tarfile.XHDTYPE, -512, "a header of -512 bytes"),
    ):
        content = member("1.png", tarfile.REGTYPE).tobuf(tarfile.GNU_FORMAT)
        content += member(name, kind, size=size).tobuf(tarfile.GNU_FORMAT)
        (tmp_path / "a.tar").write_bytes(content + bytes(10240))
        with pytest.raises(ZooError, match=message):
            found(opened(tmp_path / "a.tar"))


def test_what_grows_too_much_or_does_not_fit_is_not_unpacked(tmp_path, write_tar, opened, work, monkeypatch):
    path = write_tar({"1.png": bytes(2**22)}, "gz")
    monkeypatch.setattr(tar, "SUSPECT", 2**20)
    with pytest.raises(ZooError, match="more than 200 times its size"):
        opened(path)
    assert list(work.iterdir()) == []
    path = write_tar({"1.png": random.Random(0).randbytes(2**14)}, "gz")
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda _: unpacking.shutil._ntuple_diskusage(9, 9, 2**13))
    with pytest.raises(ZooError, match="no room"):
        opened(path)
    assert list(work.iterdir()) == []


def test_listing_needs_no_memory_for_members(write_tar, opened):
    files = {f"{number % 10}/{number:05d}.png": b"" for number in range(4000)}
    source = opened(write_tar(files))
    next(source.items())
    tracemalloc.start()
    try:
        assert sum(1 for _ in source.items()) == 4000
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()


def _damaged(data, content):
    places = st.integers(0, len(content) - 1)
    if data.draw(st.booleans()):
        return content[: data.draw(places)]
    altered = bytearray(content)
    for place, byte in data.draw(st.dictionaries(places, st.integers(0, 255), min_size=1, max_size=8)).items():
        altered[place] = byte
    return bytes(altered)


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_archive_is_refused_or_read_never_worse(data, write, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "archive").write_bytes(_damaged(data, write(FILES).read_bytes()))
    try:
        source = open_source(str(folder / "archive"), folder, None)
        items = list(source.items())
    except ZooError:
        return
    read = [0]
    for item in items:
        with suppress(Exception):  # of any kind: the image is set aside
            read.append(len(source.read(item)))
    assert max(read) <= 20_000


def test_a_gzip_file_of_something_else_is_nothing(tmp_path, opened):
    (tmp_path / "text.gz").write_bytes(gzip.compress(b"some text"))
    with pytest.raises(UsageError, match="nothing that images are taken from"):
        opened(tmp_path / "text.gz")


@pytest.mark.shared_data
def test_the_real_archive(shared_data, opened, image):
    source = opened(shared_data / "cifar10-jpg-subset.tar")
    items = list(source.items())
    assert len(items) == 12_000
    assert {item.split for item in items} == {"train", "test"}
    assert len({item.label for item in items}) == 10
    assert source.read(items[7]).startswith(b"\xff\xd8")
