import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_core.data.collecting import open_source
from zoo_core.errors import UsageError, ZooError


@pytest.fixture
def write_table(tmp_path):
    def write(text, name="list.csv"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / name

    return write


def test_paths_labels_and_splits(write_table, write_tree, opened, found, contents):
    write_tree({"a b.png": b"1", "c,d.png": b"2", "e": b"3"})
    text = 'Notes,path,label,split\nx,images/a b.png,cat,train\n\nx,"images/c,d.png", dog ,val\nx,images/e,,\n'
    source = opened(write_table(text))
    assert found(source) == {
        "images/a b.png": ("train", "cat"),
        "images/c,d.png": ("validation", "dog"),
        "images/e": (None, None),
    }
    assert list(contents(source).values()) == [b"1", b"2", b"3"]
    assert source.label_origin == "table"


def test_absolute_paths_are_the_users_own(write_table, write_tree, opened):
    root = write_tree({"1.png": b"1"}, "elsewhere")
    source = opened(write_table(f"path\n{root}/1.png\nelsewhere/1.png\n"))
    first, second = source.items()
    assert first.path == f"{root}/1.png".lstrip("/")
    assert source.read(first) == source.read(second) == b"1"
    assert pickle.loads(pickle.dumps(source)).read(first) == b"1"


def test_names_need_not_be_text_and_a_byte_order_mark_does_not_matter(write_table, write_tree, opened, contents):
    root = write_tree({})
    (root / os.fsdecode(b"\xff.png")).write_bytes(b"1")
    assert contents(opened(write_table(b"\xef\xbb\xbfpath\r\nimages/\xff.png\r\n"))) == {"images/\udcff.png": b"1"}


def test_a_table_is_recognized_by_its_header(write_table, write_tree, opened, found):
    write_tree({"1.png": b""})
    assert found(opened(write_table('label,"path"\ncat,images/1.png\n', "list.txt"))) == {"images/1.png": (None, "cat")}


def test_an_image_that_is_missing_is_found_missing_when_it_is_read(write_table, opened):
    source = opened(write_table("path\ngone.png\n"))
    (item,) = source.items()
    with pytest.raises(FileNotFoundError):
        source.read(item)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.png,cat\n", "line 1: the header should have one column 'path'; it is file, label"),
        ("path;label\na.png;cat\n", "line 1: the header should have one column 'path'; it is path;label"),
        ("path,path\na.png,b.png\n", "line 1: the header should have one column 'path'"),
        ("path,label\na.png,cat\nb.png\n", "line 3: there should be 2 fields, received 1"),
        ("path,label\na.png,cat,x\n", "line 2: there should be 2 fields, received 3"),
        ("path,label\n ,cat\n", "line 2: there is no path"),
        ("path\na\0b.png\n", "line 2: there is no path"),
        ("path,split\na.png,train\nb.png,Trainn\n", "line 3: the split should be train, validation or test.*'Trainn'"),
        ('path\n"a"b.png\n', "line 2: "),
        ('path\n"a.png\n', "line 2: unexpected end of data"),
        ("path\n" + "a" * 140_000, "line 2: field larger than field limit"),
        ("path\n\n", "lists no images"),
    ],
)
def test_errors_name_the_line(text, message, write_table, opened):
    with pytest.raises(UsageError, match=message):
        list(opened(write_table(text)).items())


def test_the_fingerprint_is_that_of_the_table_and_its_images(write_table, write_tree, opened):
    root = write_tree({"1.png": b"1"})
    path = write_table("path\nimages/1.png\n")
    first = opened(path).fingerprint()
    assert opened(path).fingerprint() == first
    os.utime(root / "1.png", ns=(1, 1))
    second = opened(path).fingerprint()
    (root / "1.png").unlink()
    third = opened(path).fingerprint()
    write_table("path\nimages/1.png\n\n")
    assert len({first, second, third, opened(path).fingerprint()}) == 4


fields = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["path", "label", "split", "train", '"'])
lines = st.lists(st.lists(fields, max_size=4).map(",".join), max_size=6)


@given(headed=st.booleans(), content=lines | st.lists(st.binary(max_size=20)))
def test_any_text_is_refused_or_a_list_of_images(headed, content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    rows = [row if isinstance(row, bytes) else row.encode() for row in content]
    (folder / "a.csv").write_bytes(b"\n".join([b"path,label,split"] * headed + rows))
    try:
        source = open_source(str(folder / "a.csv"), folder, None)
        items = list(source.items())
    except ZooError:
        return
    assert items
    for item in items:
        assert item.path
        assert not item.path.startswith("/")
        assert item.split in (None, "train", "validation", "test")
        assert item.label != ""
