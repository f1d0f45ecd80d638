import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo_core.data.collecting.layout import SPLIT_FOLDERS, Layout, harmless, layout_of, split_folders
from zoo_core.errors import UsageError

SPLITS = Layout("", {"train": "train", "test": "test", "val": "validation"})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("1.png", (None, None)),
        ("cat/1.png", (None, "cat")),
        ("cat/tabby/old/1.png", (None, "cat")),
        ("train/1.png", ("train", None)),
        ("train/cat/tabby/1.png", ("train", "cat")),
        ("val/cat/1.png", ("validation", "cat")),
        ("test/train/1.png", ("test", "train")),
        ("cat/train/1.png", (None, "cat")),
        ("train", (None, None)),
    ],
)
def test_the_outermost_folder_is_the_split_and_the_next_the_class(path, expected):
    assert SPLITS.split_and_label(path) == expected


def test_train_and_test_are_splits_only_together():
    assert split_folders({"train", "cat"}, "it") == {}
    assert split_folders({"test"}, "it") == {}
    assert split_folders({"val", "cat"}, "it") == {}
    assert split_folders({"train", "test", "cat"}, "it") == {"train": "train", "test": "test"}
    assert split_folders({"train", "test", "val"}, "it")["val"] == "validation"
    with pytest.raises(UsageError, match="'it' has both 'validation' and 'val'"):
        split_folders({"train", "test", "val", "validation"}, "it")
    with pytest.raises(UsageError, match="'it' has 'train' and 'val', but no 'test'"):
        split_folders({"train", "val"}, "it")


def test_a_folder_that_all_of_an_archive_lies_in_is_stepped_over_once():
    assert layout_of(["a/b/c/1.png", "a/b/d/1.png"], "it") == Layout("a", {})
    assert layout_of(["a/b/1.png", "c/b/1.png"], "it") == Layout("", {})
    assert layout_of(["a/b/1.png", "1.png"], "it") == Layout("", {})
    assert layout_of(["1.png"], "it") == layout_of([], "it") == Layout("", {})
    inner = layout_of(["a/train/c/1.png", "a/test/d/1.png"], "it")
    assert inner == Layout("a", {"train": "train", "test": "test"})
    assert inner.within("a/train/c/1.png") == "train/c/1.png"
    assert layout_of(["train/c/1.png", "test/d/1.png"], "it").splits == inner.splits


names = st.sampled_from(["a", "b", *SPLIT_FOLDERS, ".hidden", "ä b", "\udcff"])
paths = st.lists(names, min_size=1, max_size=5).map("/".join)


@given(st.lists(paths, max_size=8))
def test_every_image_has_at_most_the_folders_that_it_lies_in(listed):
    try:
        layout = layout_of(listed, "it")
    except UsageError:
        assert {"validation", "val"} & set("/".join(listed).split("/"))
        return
    placed = {path: (layout.within(path), *layout.split_and_label(layout.within(path))) for path in listed}
    splits = {split for _, split, _ in placed.values()} - {None}
    assert splits <= {"train", "validation", "test"}
    assert not splits or splits >= {"train", "test"}
    assert len({within for within, _, _ in placed.values()}) == len(set(listed))
    for path, (within, split, label) in placed.items():
        assert path.endswith(within)
        folders = within.split("/")[:-1]
        expected = folders[1:] if split else folders
        assert label == (expected[0] if expected else None)


@given(st.lists(st.sampled_from(["a", "..", ".", "", "/"]), max_size=8).map("/".join))
def test_no_path_leads_out(path):
    parts = harmless(path).split("/")
    assert not harmless(path).startswith("/")
    assert ".." not in parts
    assert path.count("a") == harmless(path).count("a")
