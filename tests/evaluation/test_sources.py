import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo_core.data import SPLITS, load_dataset, write_h5
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.images import ArrayImages, Images
from zoo_core.evaluation.sources import Opened, SplitImages, number_classes, open_images, relabel, same_channels


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits@8")


@pytest.fixture
def prepared(digits, tmp_path):
    write_h5(digits, tmp_path / "digits.h5", {})
    return tmp_path / "digits.h5"


@pytest.fixture
def folder(tmp_path):
    for number in range(8):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6, 3), number, np.uint8)).save(path)
    return tmp_path / "photos"


def everything(images):
    return images.read(0, len(images))


# Data sets


@pytest.mark.parametrize("source", ["digits@8", "h5:{prepared}"])
def test_a_data_set_stands_for_its_test_split(source, digits, prepared):
    opened = open_images(source.format(prepared=prepared))
    assert opened.name == source.format(prepared=prepared)
    assert opened.splits == "test"
    assert np.array_equal(everything(opened.images), digits.images("test"))
    assert np.array_equal(opened.images.labels, digits.labels("test"))
    assert opened.images.classes == digits.classes
    assert np.array_equal(everything(opened.others), digits.images("train"))
    assert (
        opened.content_hash
        == opened.spec.content_hash
        == load_dataset(source.format(prepared=prepared)).spec.content_hash
    )
    assert opened.dataset.spec.splits == digits.spec.splits


@pytest.mark.parametrize(
    ("named", "splits", "others"),
    [
        ("test", ("test",), "train"),
        ("train", ("train",), "test"),
        ("validation", ("validation",), "train"),
        ("validation+train", ("train", "validation"), "test"),
        ("test+train", ("train", "test"), "validation"),
        ("train+validation+test", SPLITS, None),
    ],
)
def test_splits_can_be_named(named, splits, others, digits):
    opened = open_images(f"digits@8#{named}")
    assert (opened.name, opened.splits) == ("digits@8", "+".join(splits))
    assert np.array_equal(everything(opened.images), np.concatenate([digits.images(split) for split in splits]))
    assert np.array_equal(opened.images.labels, np.concatenate([digits.labels(split) for split in splits]))
    assert opened.content_hash == digits.spec.content_hash, "comparable between references of one data set"
    if others is None:
        assert opened.others is None
    else:
        assert np.array_equal(everything(opened.others), digits.images(others))


def test_an_image_folder_as_a_data_set_is_split(folder):
    opened = open_images(f"folder:{folder}@4#train")
    assert opened.images.shape == (4, 4, 3)
    assert len(opened.images) == opened.spec.splits["train"] == 5
    assert opened.images.classes == ("a", "b")


def test_images_of_several_splits_are_read_as_one(digits):
    images, whole = SplitImages(digits, SPLITS), np.concatenate([digits.images(split) for split in SPLITS])
    numbers = np.random.default_rng(0).permutation(len(whole))[:500]
    assert np.array_equal(images.pick(numbers), whole[numbers])
    assert np.array_equal(images.read(1290, 1450), whole[1290:1450])
    assert np.array_equal(np.concatenate(list(images.chunks(100))), whole)
    assert images.pick(np.array([], int)).shape == (0, 8, 8, 1)
    for number in (-1, len(whole)):
        with pytest.raises(IndexError):
            images.pick(np.array([0, number]))


def test_the_hash_by_which_features_are_kept_tells_splits_and_their_order(digits):
    hashes = {SplitImages(digits, splits).content_hash for splits in (["train"], ["test"], SPLITS, SPLITS[::-1])}
    assert len(hashes) == 4
    assert SplitImages(load_dataset("digits@8"), ["test"]).content_hash in hashes


# Paths


@pytest.mark.parametrize("size", [None, (3, 5)])
def test_a_folder_stands_for_all_its_images(folder, size):
    source = f"{folder}@{size[0]}x{size[1]}" if size else str(folder)
    opened = open_images(source)
    assert (opened.name, opened.splits, opened.others, opened.dataset) == (source, "all", None, None)
    assert opened.images.shape == (*(size or (4, 6)), 3)
    assert opened.images.pick(np.arange(8))[:, 0, 0, 0].tolist() == [0, 2, 4, 6, 1, 3, 5, 7]
    assert opened.images.labels.tolist() == [0] * 4 + [1] * 4
    assert opened.spec.classes == ("a", "b")
    assert opened.spec.splits == {"all": 8}
    assert opened.spec.image_shape == opened.images.shape
    assert opened.spec.labelled
    assert opened.content_hash == opened.images.content_hash == opened.spec.content_hash


def test_bad_files_are_left_out_on_demand(folder):
    (folder / "a" / "bad.png").write_bytes(b"")
    with pytest.raises(ZooError, match="1 of 9 images can't be read"):
        open_images(str(folder))
    opened = open_images(str(folder), skip_bad=True)
    assert opened.skipped == (("a/bad.png", "it is empty"),)
    assert len(opened.images) == 8


def test_bad_files_of_a_data_set_are_left_out_on_demand_and_the_others_stay_in_their_splits(folder):
    whole = open_images(f"folder:{folder}#train")
    bad = next(folder.rglob(f"{everything(whole.images)[0, 0, 0, 0]}.png"))
    bad.write_bytes(b"")
    with pytest.raises(ZooError, match=r"1 of 8 images can't be read.*--skip-bad"):
        open_images(f"folder:{folder}#train")
    opened = open_images(f"folder:{folder}#train", skip_bad=True)
    assert opened.skipped == ((bad.relative_to(folder).as_posix(), "it is empty"),)
    assert np.array_equal(everything(opened.images), everything(whole.images)[1:])
    assert opened.images.labels.tolist() == whole.images.labels[1:].tolist()
    assert opened.content_hash != whole.content_hash
    test = open_images(f"folder:{folder}", skip_bad=True)
    assert test.skipped == opened.skipped, "real images for the floor come from there"


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_a_numpy_file_stands_for_its_images(suffix, images, tmp_path):
    array, path = images(5, 4, 3), tmp_path / f"a{suffix}"
    (np.savez if suffix == ".npz" else np.save)(path, array)
    opened = open_images(str(path))
    assert np.array_equal(everything(opened.images), array)
    assert (opened.splits, opened.images.name, opened.spec.labelled) == ("all", str(path), False)
    with pytest.raises(UsageError, match="can't be brought to another size"):
        open_images(f"{path}@8")


@pytest.mark.parametrize("stored", [{}, {"compression": "gzip"}])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_hdf5_file_of_another_program_is_read_as_an_npz_of_its_arrays(stored, channels, images, tmp_path):
    array, labels = images(5, 4, channels), np.array([3, 0, 1, 1, 2])
    np.savez(tmp_path / "a.npz", images=array, labels=labels)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=array, **stored)
        file["labels"] = labels
    opened, expected = open_images(f"{tmp_path}/a.h5"), open_images(f"{tmp_path}/a.npz")
    assert np.array_equal(everything(opened.images), everything(expected.images))
    assert opened.images.labels.tolist() == labels.tolist()
    assert (opened.splits, opened.name) == ("all", f"{tmp_path}/a.h5")
    assert opened.content_hash == expected.content_hash
    with pytest.raises(UsageError, match="can't be brought to another size"):
        open_images(f"{tmp_path}/a.h5@8")


def test_a_file_of_the_zoo_that_is_damaged_or_of_another_kind_is_called_so(prepared):
    content = prepared.read_bytes()
    prepared.write_bytes(content[:100] + bytes([content[100] ^ 255]) + content[101:])
    with pytest.raises(ZooError, match="is not a zoo data set"):
        open_images(str(prepared))
    prepared.write_bytes(content)
    with h5py.File(prepared, "a") as file:
        file.attrs["format"] = np.bytes_("zoo-checkpoint")
    with pytest.raises(ZooError, match="'format' should be 'zoo-dataset', received 'zoo-checkpoint'"):
        open_images(str(prepared))


@pytest.mark.parametrize("size", ["", "@4"])
def test_a_prepared_file_stands_for_all_its_splits(prepared, digits, size):
    opened = open_images(f"{prepared}{size}")
    side = int(size[1:] or 8)
    assert opened.images.shape == (side, side, 1)
    assert len(opened.images) == 1797
    assert (opened.splits, opened.others) == ("train+validation+test", None)
    assert opened.content_hash == load_dataset(f"h5:{prepared}{size}").spec.content_hash


def test_a_name_comes_before_a_path(folder, monkeypatch):
    folder.rename(folder.with_name("digits"))
    monkeypatch.chdir(folder.parent)
    assert open_images("digits@8").dataset is not None
    assert len(open_images("./digits").images) == 8


def test_a_path_that_looks_as_if_it_had_a_size_or_splits(folder):
    for name in ("photos@64", "photos#train"):
        (folder.with_name(name)).symlink_to(folder)
        assert open_images(str(folder.with_name(name))).images.shape == (4, 6, 3)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("digit", "Did you mean 'digits'"),
        (
            "photo",
            r"Unknown data set 'photo', and there is no such path\. There are: digits.*\.h5 file or a run",
        ),
        ("digits_made", r"there is no such path\. Did you mean 'digits'\? A folder, an \.npz"),
        ("", "Unknown data set"),
        ("digits#trian", "Did you mean 'train'"),
        ("digits#train+train", "named once"),
        ("digits@0", "between 1 and 4096"),
        ("folder:", "A path should follow"),
        ("h5:absent.h5", "There is no file 'absent.h5'"),
        ("absent.npz", "There is no file or folder 'absent.npz'"),
        ("absent/photos@64", "There is no file or folder 'absent/photos'"),
        ("photos@9999", "between 1 and 4096"),
        ("photos#train", "write folder:photos#train"),
        ("notes.txt", r"end in \.npz, \.npy, \.h5, \.hdf5.*folder that they lie in"),
        ("\0", "Unknown data set"),
    ],
)
def test_refused(source, message, folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    Path("notes.txt").touch()
    with pytest.raises(UsageError, match=message):
        open_images(source)


_words = st.sampled_from(
    [
        "digits",
        "digit",
        "folder:",
        "h5:",
        "@",
        "#",
        "8",
        "x",
        "0",
        "train",
        "test",
        "+",
        "/",
        ".",
        "photos",
        "a.npz",
        "\n",
    ]
)


@given(st.lists(_words, max_size=6).map("".join) | st.text(max_size=12))
@settings(max_examples=150)
def test_whatever_is_typed_is_opened_or_refused(tmp_path_factory, source):
    before = os.getcwd()
    os.chdir(_some_files(tmp_path_factory))
    try:
        opened = open_images(source)
    except ZooError:
        return
    finally:
        os.chdir(before)
    assert len(opened.images) >= 1
    assert isinstance(opened.images, Images)


def _some_files(tmp_path_factory):
    folder = tmp_path_factory.getbasetemp() / "typed"
    if not folder.exists():
        (folder / "photos").mkdir(parents=True)
        for number in range(5):
            Image.fromarray(np.full((4, 4), number, np.uint8)).save(folder / "photos" / f"{number}.png")
        np.savez(folder / "a.npz", np.zeros((2, 4, 4), np.uint8))
    return folder


def test_images_of_a_run_are_told_apart_by_the_first_few(images, digits):
    def opened(array):
        return Opened.generated("runs/a", ArrayImages("a", array), digits.spec)

    array = images(40, 8)
    assert opened(array).content_hash == opened(array).content_hash
    assert opened(array).content_hash != opened(array[:39]).content_hash
    assert opened(array).content_hash != opened(255 - array).content_hash
    assert opened(array).spec is digits.spec
    assert opened(array).others is None


# Bringing two sides together


def test_labels_are_put_in_the_order_of_other_classes(images):
    labels = np.array([0, 1, 2, 1], np.int32)
    there = ArrayImages("a", images(4, 4), labels, ("cat", "dog", "emu"))
    relabelled = relabel(there, ["emu", "bee", "cat", "dog"])
    assert relabelled.labels.tolist() == [2, 3, 0, 3]
    assert relabelled.labels.dtype == np.int32
    assert relabelled.classes == ("emu", "bee", "cat", "dog")
    assert np.array_equal(everything(relabelled), everything(there))
    assert there.labels.tolist() == [0, 1, 2, 1], "the original stays as it was"


def test_labels_without_names_are_numbers_of_the_classes(images):
    there = ArrayImages("a", images(3, 4), np.array([0, 2, 1], np.int32))
    assert relabel(there, ["a", "b", "c"]).labels.tolist() == [0, 2, 1]
    with pytest.raises(UsageError, match="labels up to 2, and the reference has 2 classes"):
        relabel(there, ["a", "b"])


@pytest.mark.parametrize("classes", [("cat", "fox"), ()])
def test_labels_of_other_classes_are_none(images, classes):
    with pytest.warns(UserWarning, match="other classes than the reference, such as '(cat|dog)'"):
        relabelled = relabel(ArrayImages("a", images(2, 4), np.array([0, 1], np.int32), ("cat", "dog")), classes)
    assert (relabelled.labels, relabelled.classes) == (None, ())


def test_images_without_labels_stay_without(images):
    there = ArrayImages("a", images(2, 4))
    assert relabel(there, ["cat"]) is there


def test_labels_without_names_on_either_side_are_called_by_their_numbers(images, tmp_path):
    for name, labels in (("a", [7, 1, 2**31 - 1]), ("b", [1, 1, 3]), ("none", None)):
        np.savez(tmp_path / f"{name}.npz", images=images(3, 4), **({"labels": labels} if labels else {}))
    one, other, unlabelled = (open_images(f"{tmp_path}/{name}.npz") for name in ("a", "b", "none"))
    numbered, against = number_classes(one, other)
    assert numbered.images.classes == against.images.classes == ("1", "3", "7", "2147483647")
    assert numbered.images.labels.tolist() == [2, 0, 3]
    assert against.images.labels.tolist() == [0, 0, 1]
    assert numbered.images.labels.dtype == np.int32
    assert np.array_equal(everything(numbered.images), everything(one.images))
    assert one.images.classes == (), "the original stays as it was"
    for pair in ((one, open_images("digits@8")), (open_images("digits@8"), one), (one, unlabelled), (unlabelled, one)):
        assert number_classes(*pair) == pair


def test_gray_beside_colour_becomes_colour(images):
    gray, colour = ArrayImages("gray", images(2, 4)), ArrayImages("colour", images(3, 4, 3))
    first, second, third = same_channels(gray, colour, gray)
    assert second is colour
    assert first.shape == third.shape == (4, 4, 3)
    assert np.array_equal(everything(first), np.repeat(images(2, 4), 3, axis=3))
    assert same_channels(gray, gray) == (gray, gray)
    assert same_channels(colour) == (colour,)
