import os
import pickle

import pytest

from zoo_core.data.collecting import Item
from zoo_core.errors import UsageError, ZooError


def test_images_at_any_depth_with_their_splits_and_labels(write_tree, opened, found, contents):
    files = {"train/cat/1.png": b"1", "train/cat/deep/er/2.JPG": b"2", "test/dog/3.webp": b"3", "val/4.bmp": b"4"}
    root = write_tree(files)
    source = opened(root)
    assert found(source) == {
        "train/cat/1.png": ("train", "cat"),
        "train/cat/deep/er/2.JPG": ("train", "cat"),
        "test/dog/3.webp": ("test", "dog"),
        "val/4.bmp": ("validation", None),
    }
    assert contents(source) == files
    assert source.label_origin == "folder"
    assert source.name == str(root)


def test_a_single_folder_that_all_images_lie_in_is_stepped_over(write_tree, opened, found, contents):
    files = {"photos/train/cat/1.png": b"1", "photos/test/dog/2.png": b"2"}
    root = write_tree(files | {"__MACOSX/photos/._1.png": b"", "README.txt": b""})
    source = opened(root)
    assert found(source) == {"train/cat/1.png": ("train", "cat"), "test/dog/2.png": ("test", "dog")}
    assert contents(pickle.loads(pickle.dumps(source))) == {"train/cat/1.png": b"1", "test/dog/2.png": b"2"}
    assert source.ignored == {".txt": 1}


def test_pictures_of_formats_that_are_not_read_are_listed_all_the_same(write_tree, opened, found):
    root = write_tree({"a.jfif": b"", "b.HEIC": b"", "c.avif": b"", ".d.heif": b"", "e.svg": b""})
    source = opened(root)
    assert set(found(source)) == {"a.jfif", "b.HEIC", "c.avif"}
    assert source.ignored == {".svg": 1}


def test_other_files_are_counted_and_hidden_ones_are_not(write_tree, opened, found):
    root = write_tree({"1.png": b"", "a/notes.TXT": b"", "a/README": b"", "more.txt": b"", ".DS_Store": b""})
    (root / ".thumbnails").mkdir()
    (root / ".thumbnails" / "2.png").touch()
    os.mkfifo(root / "pipe.png")
    source = opened(f"folder:{root}")
    assert list(found(source)) == ["1.png"]
    assert source.ignored == {".txt": 2, "no extension": 1, "special file": 1}
    list(source.items())
    assert source.ignored.total() == 4


def test_links_are_followed_but_not_in_circles(write_tree, opened, found, tmp_path):
    root = write_tree({"a/1.png": b"1"})
    elsewhere = write_tree({"2.png": b"2"}, "elsewhere")
    (root / "a" / "up").symlink_to(root)
    (root / "b").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(root / "a")
    (root / "itself.png").symlink_to(root / "itself.png")
    (root / "nothing.png").symlink_to(tmp_path / "gone.png")
    source = opened(root)
    images = found(source)
    assert set(images) == {"a/1.png", "b/2.png", "b/back/1.png", "itself.png", "nothing.png"}
    with pytest.raises(OSError, match=r"nothing\.png"):
        source.read(Item("nothing.png"))


def test_names_need_not_be_text(write_tree, opened, contents):
    root = write_tree({"1.png": b"1"})
    (root / os.fsdecode(b"caf\xe9")).mkdir()
    (root / os.fsdecode(b"caf\xe9/\xff.png")).write_bytes(b"2")
    assert contents(opened(root)) == {"1.png": b"1", "caf\udce9/\udcff.png": b"2"}


def test_deep_folders_are_no_matter(write_tree, opened, found):
    root = write_tree({})
    path = root
    for _ in range(60):
        path = path / "d"
        path.mkdir()
    (path / "1.png").touch()
    assert list(found(opened(root)).values()) == [(None, "d")]


def test_a_folder_without_images_says_what_it_holds(write_tree, opened):
    with pytest.raises(UsageError, match=r"holds no images; left out: 2 \.txt, 1 \.pdf\. Accepted are \.png"):
        list(opened(write_tree({"a.txt": b"", "b.txt": b"", "c/d.pdf": b""})).items())
    with pytest.raises(UsageError, match=r"holds no images\. "):
        list(opened(write_tree({}, "empty")).items())


def test_train_and_validation_alone_are_unclear(write_tree, opened):
    with pytest.raises(UsageError, match="but no 'test'"):
        list(opened(write_tree({"train/1.png": b"", "val/2.png": b""})).items())


def test_a_file_that_is_too_large_is_not_read(write_tree, opened):
    root = write_tree({"1.png": b""})
    with (root / "1.png").open("wb") as file:
        file.truncate(2**28 + 1)
    source = opened(root)
    with pytest.raises(ValueError, match="it has 256 MiB, more than 256"):
        source.read(next(source.items()))


def test_a_folder_that_went_away_can_not_be_listed(write_tree, opened):
    root = write_tree({})
    source = opened(root)
    root.rmdir()
    with pytest.raises(ZooError, match="Can't list"):
        list(source.items())


def test_the_fingerprint_is_that_of_the_images(write_tree, opened):
    root = write_tree({"a/1.png": b"1", "b/2.png": b"2"})
    first = opened(root).fingerprint()
    assert opened(root).fingerprint() == first
    (root / "notes.txt").touch()
    assert opened(root).fingerprint() == first
    os.utime(root / "a" / "1.png", ns=(1, 1))
    second = opened(root).fingerprint()
    (root / "3.png").symlink_to("nowhere")
    assert len({first, second, opened(root).fingerprint()}) == 3


def test_a_worker_elsewhere_reads_the_same(write_tree, opened, monkeypatch, tmp_path):
    write_tree({"1.png": b"1"})
    monkeypatch.chdir(tmp_path)
    source = opened("images")
    pickled = pickle.dumps(source)
    assert len(pickled) < 1000
    monkeypatch.chdir("/")
    assert pickle.loads(pickled).read(Item("1.png")) == b"1"
    assert source.name == "images"
