import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo_core.data import SPLITS, Dataset, load_dataset
from zoo_core.errors import UsageError, ZooError


def load(path: Path, size: str = "") -> Dataset:
    return load_dataset(f"folder:{path}{size}")


def save(path: Path, image: Image.Image | None = None, seed: int = 0, **arguments) -> Path:
    """Save an image, by default a 6x4 colour one of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if image is None:
        image = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (4, 6, 3)).astype(np.uint8))
    image.save(path, **arguments)
    return path


def fill(folder: Path, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        save(folder / f"{number:03}.png", seed=number)


def only_image(folder: Path, image: Image.Image, name: str = "a.png", size: str = "", **arguments) -> np.ndarray:
    """What becomes of this image: (H, W, C)."""
    for copy in "abc":
        save(folder / f"{copy}{Path(name).suffix}", image, **arguments)
    return load(folder, size).images("train")[0]


# Layouts


def test_class_folders_are_split_in_proportion(tmp_path):
    fill(tmp_path / "cat", 20)
    fill(tmp_path / "dog", 30, start=20)
    dataset = load(tmp_path)
    assert dataset.spec.classes == ("cat", "dog")
    assert dataset.spec.image_shape == (4, 6, 3)
    assert dataset.spec.splits == {"train": 36, "validation": 4, "test": 10}
    assert list(np.bincount(dataset.labels("test"))) == [4, 6]
    images = [image.tobytes() for split in SPLITS for image in dataset.images(split)]
    assert len(set(images)) == 50, "each image in one split"


def test_labels_belong_to_their_images(tmp_path):
    for value, label in enumerate(("black", "dark", "light")):
        for number in range(4):
            save(tmp_path / label / f"{number}.png", Image.new("L", (2, 2), value))
    dataset = load(tmp_path)
    for split in SPLITS:
        assert np.array_equal(dataset.images(split)[:, 0, 0, 0], dataset.labels(split))


def test_images_without_class_folders_are_unlabelled(tmp_path):
    fill(tmp_path, 10)
    dataset = load(tmp_path)
    assert not dataset.spec.labelled
    assert dataset.spec.splits == {"train": 7, "validation": 1, "test": 2}


@pytest.mark.parametrize("validation", ["validation", "val", None])
@pytest.mark.parametrize("classes", [("cat", "dog"), ("",)])
def test_given_splits_are_kept(tmp_path, validation, classes):
    counts = {"train": 10, "test": 3} | ({validation: 2} if validation else {})
    for number, (split, count) in enumerate(counts.items()):
        for label in classes:
            fill(tmp_path / split / label, count, start=100 * number)
    fill(tmp_path / "unrelated", 2)
    dataset = load(tmp_path)
    n = len(classes)
    expected = (10 * n, 2 * n, 3 * n) if validation else (9 * n, n, 3 * n)
    assert tuple(dataset.spec.splits.values()) == expected
    assert dataset.spec.classes == (classes if n == 2 else ())


def test_a_class_may_be_called_train(tmp_path):
    fill(tmp_path / "train", 5)
    fill(tmp_path / "tram", 5)
    assert load(tmp_path).spec.classes == ("train", "tram")


def test_hidden_and_other_files_and_deeper_folders_do_not_count(tmp_path):
    fill(tmp_path / "cat", 5)
    fill(tmp_path / "cat" / "deeper", 5)
    fill(tmp_path / ".cache", 5)
    fill(tmp_path / "empty", 0)
    (tmp_path / "cat" / "readme.txt").write_text("no image")
    (tmp_path / "cat" / ".hidden.png").write_text("no image")
    (tmp_path / "cat" / "folder.png").mkdir()
    dataset = load(tmp_path)
    assert dataset.spec.classes == ("cat",)
    assert sum(dataset.spec.splits.values()) == 5


def test_the_order_of_creation_does_not_matter(tmp_path):
    names = [f"{label}/{number}.png" for label in "ab" for number in range(10)]
    for seed, name in enumerate(names):
        save(tmp_path / "one" / name, seed=seed)
    for seed, name in reversed(list(enumerate(names))):
        save(tmp_path / "two" / name, seed=seed)
    one, two = load(tmp_path / "one"), load(tmp_path / "two")
    assert one.spec.content_hash == two.spec.content_hash
    assert np.array_equal(one.images("train"), two.images("train"))


@pytest.mark.parametrize("extension", [".png", ".JPG", ".jpeg", ".Bmp", ".gif", ".webp", ".tif", ".TIFF"])
def test_formats(tmp_path, extension):
    pixels = only_image(tmp_path, Image.new("RGB", (6, 4), (200, 100, 50)), f"a{extension}")
    assert pixels.shape == (4, 6, 3)
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 4


# What is refused


def mixed_loose_and_classes(folder):
    fill(folder, 3)
    fill(folder / "cat", 3)


def no_images(folder):
    (folder / "notes.txt").write_text("nothing here")


def two_images(folder):
    fill(folder, 2)


def no_test_split(folder):
    fill(folder / "train", 3)
    fill(folder / "val", 3)


def validation_twice(folder):
    for split in ("train", "test", "val", "validation"):
        fill(folder / split, 3)


def empty_split(folder):
    fill(folder / "train", 3)
    fill(folder / "test", 0)
    (folder / "test").mkdir()


def one_training_image(folder):
    fill(folder / "train", 1)
    fill(folder / "test", 3)


def strange_class_in_test(folder):
    fill(folder / "train" / "cat", 3)
    fill(folder / "test" / "cats", 3)


def loose_images_in_test(folder):
    fill(folder / "train" / "cat", 3)
    fill(folder / "test", 3)


def several_sizes(folder):
    fill(folder, 3)
    save(folder / "x.png", Image.new("L", (9, 8)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (mixed_loose_and_classes, "both images .* and class folders"),
        (no_images, r"no images.*\.png \.jpg .*\.tiff"),
        (two_images, "at least 3 images.* holds 2"),
        (no_test_split, "no 'test'.*Rename 'val'"),
        (validation_twice, "both 'validation' and 'val'"),
        (empty_split, "test' holds no images"),
        (one_training_image, "at least 2 images"),
        (strange_class_in_test, "test has classes that train has not: cats.*train has: cat"),
        (loose_images_in_test, "test has classes that train has not: images outside"),
        (several_sizes, r"2 \(height x width\): 4x6 \(3 images\), 8x9 \(1 image\).*folder:.*@4x6"),
    ],
)
def test_refused(tmp_path, build, message):
    build(tmp_path)
    with pytest.raises(UsageError, match=message):
        load(tmp_path)


def test_what_is_not_a_folder_is_refused(tmp_path):
    with pytest.raises(UsageError, match="not there"):
        load(tmp_path / "absent")
    (tmp_path / "set.h5").touch()
    with pytest.raises(UsageError, match=r"a file.*h5:PATH"):
        load(tmp_path / "set.h5")


def test_unreadable_images_are_counted_and_the_first_named(tmp_path):
    fill(tmp_path, 9)
    for number in range(5):
        path = tmp_path / f"{number:03}.png"
        path.write_bytes(path.read_bytes()[:60] if number else b"not an image")
    with pytest.raises(ZooError, match=r"5 of 9 .*000\.png.*001\.png.*002\.png.*and others") as caught:
        load(tmp_path)
    assert caught.value.exit_code == 1
    assert "003.png" not in str(caught.value)


def test_a_split_of_which_nothing_can_be_read_is_an_error_in_any_case(tmp_path):
    for split in ("train", "validation", "test"):
        fill(tmp_path / split, 2)
    for number in range(2):
        (tmp_path / "test" / f"{number:03}.png").write_bytes(b"")
        skipped = []
        if number == 0:
            assert load_dataset(f"folder:{tmp_path}", skipped=skipped).spec.splits["test"] == 1
            assert skipped == [("test/000.png", "it is empty")]
        else:
            with pytest.raises(ZooError, match=r"2 of 6 images can't be read: .*test/000\.png.*test/001\.png"):
                load_dataset(f"folder:{tmp_path}", skipped=skipped)


def test_the_content_must_be_of_an_accepted_format(tmp_path):
    for name in "abc":
        save(tmp_path / f"{name}.png", Image.new("RGB", (4, 4)), format="EPS")
    with pytest.raises(ZooError, match="3 of 3 images can't be read"):
        load(tmp_path)


@pytest.mark.parametrize("limit", [20, 5])
def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch, limit):
    fill(tmp_path, 3)  # of 24 pixels; Pillow only warns up to twice the limit
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ZooError, match=r"3 of 3 images can't be read.*decompression bomb"):
        load(tmp_path)


@given(data=st.data())
@settings(max_examples=60)
def test_a_damaged_image_is_refused_or_read_never_worse(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    extension = data.draw(st.sampled_from(["png", "jpg", "gif", "webp", "tif", "bmp"]))
    for name in "abc":
        path = save(folder / f"{name}.{extension}")
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans(), label="truncate"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=8)):
            content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    try:
        dataset = load(folder, "@4x6")
    except ZooError:
        return
    assert dataset.images("train").shape[:3] == (1, 4, 6)


# Pixels


def test_one_channel_stays_one_channel(tmp_path):
    assert only_image(tmp_path / "L", Image.new("L", (2, 2), 77)).tolist() == [[[77]] * 2] * 2
    assert only_image(tmp_path / "1", Image.new("1", (2, 2), 1)).tolist() == [[[255]] * 2] * 2


@pytest.mark.parametrize(("dtype", "name"), [(np.uint16, "a.png"), (np.uint16, "a.tif"), (np.int32, "a.tif")])
def test_sixteen_bits_lose_the_lower_eight(tmp_path, dtype, name):
    values = np.array([[0, 255], [256, 65535]], dtype)
    assert only_image(tmp_path, Image.fromarray(values), name)[..., 0].tolist() == [[0, 0], [1, 255]]


def test_floats_from_0_to_1_become_0_to_255(tmp_path):
    values = np.array([[0, 0.5], [0.25, 1]], np.float32)
    assert only_image(tmp_path, Image.fromarray(values), "a.tif")[..., 0].tolist() == [[0, 128], [64, 255]]


@pytest.mark.parametrize(
    "values", [np.full((2, 2), 1.5, np.float32), np.full((2, 2), np.nan, np.float32), np.full((2, 2), -1, np.int32)]
)
def test_values_out_of_range_are_refused_not_rescaled(tmp_path, values):
    with pytest.raises(ZooError, match="must lie in"):
        only_image(tmp_path, Image.fromarray(values), "a.tif")


def test_palette_and_cmyk_become_rgb(tmp_path):
    red = Image.new("RGB", (2, 2), (255, 0, 0))
    assert only_image(tmp_path / "P", red.convert("P")).tolist() == [[[255, 0, 0]] * 2] * 2
    cmyk = only_image(tmp_path / "CMYK", red.convert("CMYK"), "a.tif")
    assert cmyk.tolist() == [[[255, 0, 0]] * 2] * 2


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_put_on_white(tmp_path, mode):
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 255)).convert(mode)
    image.putalpha(Image.fromarray(np.array([[0, 255]], np.uint8)))
    assert only_image(tmp_path, image).tolist() == [[[255] * 3, [0] * 3]]


def test_a_transparent_colour_is_put_on_white(tmp_path):
    image = Image.fromarray(np.array([[[9, 9, 9], [5, 5, 5]]], np.uint8))
    assert only_image(tmp_path, image, transparency=(9, 9, 9)).tolist() == [[[255] * 3, [5] * 3]]


def test_grayscale_among_colour_becomes_rgb(tmp_path):
    fill(tmp_path, 5)
    save(tmp_path / "gray.png", Image.new("L", (6, 4), 9))
    dataset = load(tmp_path)
    assert dataset.spec.image_shape == (4, 6, 3)
    images = np.concatenate([dataset.images(split) for split in SPLITS])
    assert (images == 9).all(axis=(1, 2, 3)).sum() == 1


def test_the_orientation_in_the_metadata_is_applied(tmp_path):
    image = Image.fromarray(np.array([[10, 20, 30]], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    assert only_image(tmp_path, image, exif=exif)[..., 0].tolist() == [[10], [20], [30]]


def test_a_size_crops_the_centre_and_resizes(tmp_path):
    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 20:60] = 255  # the central square
    assert only_image(tmp_path, Image.fromarray(pixels), size="@20").min() > 220  # Lanczos looks past the edge
    assert np.array_equal(load(tmp_path, "@40").images("train")[0], pixels[:, 20:60])
    assert np.array_equal(load(tmp_path, "@40x80").images("train")[0], pixels)


def test_a_size_brings_several_sizes_together(tmp_path):
    several_sizes(tmp_path)
    assert load(tmp_path, "@5x7").spec.image_shape == (5, 7, 3)


@pytest.mark.slow
@pytest.mark.shared_data
def test_twelve_thousand_jpegs_load_in_seconds(shared_data, tmp_path, record_property):
    with tarfile.open(shared_data / "cifar10-jpg-subset.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    start = time.perf_counter()
    dataset = load(tmp_path / "cifar10")
    seconds = time.perf_counter() - start
    record_property("seconds", seconds)
    print(f"12,000 JPEG files in {seconds:.1f} s")
    assert seconds < 30
    assert dataset.spec.image_shape == (32, 32, 3)
    assert dataset.spec.splits == {"train": 9000, "validation": 1000, "test": 2000}
    assert list(np.bincount(dataset.labels("validation"))) == [100] * 10
