import tarfile
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from zoo_core.data import load_dataset
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.folder_images import FolderImages


def noise(seed, shape=(4, 6, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def save(path, pixels=None, seed=0, **arguments):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise(seed) if pixels is None else pixels).save(path, **arguments)
    return path


def everything(images):
    return images.read(0, len(images))


@pytest.fixture
def folder(tmp_path):
    """Six images of noise, number n of seed n in the order of their paths."""
    for seed, name in enumerate(("10.png", "9.png", "a/1.bmp", "a/b/1.tif", "a/b/c/1.png", "b.PNG")):
        save(tmp_path / name, seed=seed)
    return tmp_path


def test_all_images_at_any_depth_in_the_order_of_their_paths(folder):
    for ignored in (".hidden.png", ".cache/1.png"):
        save(folder / ignored)
    (folder / "notes.txt").write_text("no image")
    images = FolderImages(folder)
    expected = np.stack([noise(seed) for seed in range(6)])
    assert (len(images), images.shape, images.name) == (6, (4, 6, 3), str(folder))
    assert np.array_equal(everything(images), expected)
    assert np.array_equal(images.pick(np.array([5, 0, 3])), expected[[5, 0, 3]])
    assert [len(chunk) for chunk in images.chunks(4)] == [4, 2]
    assert images.pick(np.array([], int)).shape == (0, 4, 6, 3)
    assert (images.classes, images.labels, images.skipped) == ((), None, ())


def test_a_link_to_a_folder_above_is_no_way_into_a_loop(folder):
    (folder / "a" / "up").symlink_to(folder)
    (folder / "c").symlink_to(folder / "a" / "b" / "c")
    assert len(FolderImages(folder)) == 7


def test_folders_right_in_it_are_classes(tmp_path):
    for seed, name in enumerate(("cat/1.png", "cat/2.png", "auto/1.png")):
        save(tmp_path / name, seed=seed)
    images = FolderImages(tmp_path)
    assert images.classes == ("auto", "cat")
    assert images.labels.tolist() == [0, 1, 1]
    assert images.labels.dtype == np.int32


@pytest.mark.parametrize("name", ["1.png", "cat/deeper/1.png"])
def test_one_image_elsewhere_and_there_are_no_classes(tmp_path, name):
    save(tmp_path / "cat" / "1.png")
    save(tmp_path / name)
    images = FolderImages(tmp_path)
    assert (images.classes, images.labels) == ((), None)


def test_gray_only_if_all_are(tmp_path):
    save(tmp_path / "a.png", noise(0, (4, 6)))
    save(tmp_path / "b.png", noise(1, (4, 6)))
    gray = FolderImages(tmp_path)
    assert gray.shape == (4, 6, 1)
    save(tmp_path / "c.png", noise(2))
    mixed = FolderImages(tmp_path)
    assert mixed.shape == (4, 6, 3)
    assert np.array_equal(mixed.read(0, 2), np.repeat(everything(gray), 3, axis=3))
    assert np.array_equal(mixed.read(2, 3)[0], noise(2))


def test_the_content_hash_is_of_the_pixels_in_their_order(tmp_path):
    for name, seeds in {"one": (0, 1), "same": (0, 1), "swapped": (1, 0), "other": (0, 2)}.items():
        for seed, file in zip(seeds, ("a", "b"), strict=True):
            save(tmp_path / name / f"{file}.{'bmp' if name == 'same' else 'png'}", seed=seed)
    hashes = {name: FolderImages(tmp_path / name).content_hash for name in ("one", "same", "swapped", "other")}
    assert hashes["one"] == hashes["same"]
    assert len(set(hashes.values())) == 3
    save(tmp_path / "gray" / "a.png", noise(0, (4, 6)))
    save(tmp_path / "coloured" / "a.png", np.repeat(noise(0, (4, 6, 1)), 3, axis=2))
    save(tmp_path / "mixed" / "a.png", noise(0, (4, 6)))
    for name in ("coloured", "mixed"):
        save(tmp_path / name / "b.png")
    assert FolderImages(tmp_path / "mixed").content_hash == FolderImages(tmp_path / "coloured").content_hash


def test_files_become_pixels_as_in_a_data_set(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    save(tmp_path / "exif.jpg", noise(0), exif=exif)
    save(tmp_path / "alpha.png", noise(1, (4, 6, 4)))
    save(tmp_path / "sixteen.png", np.arange(24, dtype=np.uint16).reshape(4, 6) * 999)
    Image.fromarray(noise(2)).convert("P").save(tmp_path / "palette.gif")
    dataset = load_dataset(f"folder:{tmp_path}")
    expected = {image.tobytes() for split in ("train", "validation", "test") for image in dataset.images(split)}
    assert {image.tobytes() for image in everything(FolderImages(tmp_path))} == expected


def test_a_size_crops_the_centre_and_resizes_as_in_a_data_set(tmp_path):
    for seed in range(3):
        save(tmp_path / f"{seed}.png", noise(seed, (20 + seed, 30, 3)))
    dataset = load_dataset(f"folder:{tmp_path}@8x9")
    expected = {image.tobytes() for split in ("train", "validation", "test") for image in dataset.images(split)}
    images = FolderImages(tmp_path, (8, 9))
    assert images.shape == (8, 9, 3)
    assert {image.tobytes() for image in everything(images)} == expected


def test_several_sizes_need_one(folder):
    save(folder / "z.png", noise(0, (8, 9)))
    with pytest.raises(UsageError, match=rf"4x6 \(6 images\), 8x9 \(1 image\).*{folder.name}@4x6"):
        FolderImages(folder)
    assert len(FolderImages(folder, (4, 4))) == 7
    for number in range(9):
        save(folder / f"z{number}.png", noise(0, (5, 5)))
    with pytest.raises(UsageError, match=rf"{folder.name}@5$"):
        FolderImages(folder)


def test_no_images_and_no_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"holds no images.*\.png"):
        FolderImages(tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        FolderImages(tmp_path / "absent")


@pytest.fixture
def spoilt(folder):
    """The folder with six more files that can't be read."""
    whole = (folder / "9.png").read_bytes()
    contents = {
        "a/cut.png": whole[:60],
        "a/text.png": b"no image",
        "a/zero.png": b"",
        "w.jpg": b"\xff\xd8",
        "x.gif": b"G",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "y.png").symlink_to(folder / "absent.png")
    return folder


def test_files_that_cannot_be_read_are_counted_and_the_first_named(spoilt):
    message = (
        r"6 of 12 images can't be read: '.*cut\.png' \(.*\); '.*text\.png' \(it is no image.*zero\.png' \(it is empty"
    )
    with pytest.raises(ZooError, match=message) as caught:
        FolderImages(spoilt)
    assert caught.value.exit_code == 1
    assert "w.jpg" not in str(caught.value)
    assert "--skip-bad" in caught.value.hint


def test_files_that_cannot_be_read_are_left_out_on_demand(spoilt):
    images = FolderImages(spoilt, skip_bad=True)
    assert np.array_equal(everything(images), np.stack([noise(seed) for seed in range(6)]))
    names, reasons = zip(*images.skipped, strict=True)
    assert names == ("a/cut.png", "a/text.png", "a/zero.png", "w.jpg", "x.gif", "y.png")
    assert reasons[2] == "it is empty"
    assert reasons[5] == "No such file or directory"
    assert not any(str(spoilt) in reason for reason in reasons), "records show them to others"


def test_where_nothing_can_be_read_nothing_can_be_left_out(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ZooError, match="1 of 1 images can't be read"):
        FolderImages(tmp_path, skip_bad=True)


def replace(path):
    save(path, seed=99)


def shrink(path):
    save(path, noise(0, (2, 2, 3)))


def spoil(path):
    path.write_bytes(b"")


def remove(path):
    path.unlink()


@pytest.mark.parametrize("change", [replace, shrink, spoil, remove])
def test_a_file_that_changes_later_is_an_error(folder, change):
    images = FolderImages(folder)
    change(folder / "9.png")
    assert np.array_equal(images.read(2, 6)[0], noise(2)), "the others can still be read"
    with pytest.raises(ZooError, match=r"9\.png' was changed or removed"):
        images.read(0, 2)


def test_a_decompression_bomb_is_not_read(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(ZooError, match=r"6 of 6 .*decompression bomb"):
        FolderImages(folder)


def test_images_are_never_all_in_memory(tmp_path):
    for seed in range(60):
        save(tmp_path / f"{seed}.bmp", noise(seed, (200, 200, 3)))  # 120,000 bytes each, 7.2 MB together
    tracemalloc.start()
    try:
        images = FolderImages(tmp_path)
        assert sum(int(chunk[0, 0, 0, 0]) for chunk in images.chunks(5)) > 0
        assert tracemalloc.get_traced_memory()[1] < 4e6
    finally:
        tracemalloc.stop()


@pytest.mark.shared_data
def test_photographs(shared_data, tmp_path):
    with tarfile.open(shared_data / "cifar10-jpg-subset.tar") as archive:
        for _, member in zip(range(300), (m for m in archive if m.name.endswith(".jpg")), strict=False):
            archive.extract(member, tmp_path, filter="data")
    images = FolderImages(tmp_path)
    assert (len(images), images.shape) == (300, (32, 32, 3))
    file = sorted(tmp_path.rglob("*.jpg"))[17]
    with Image.open(file) as image:
        assert np.array_equal(images.read(17, 18)[0], np.asarray(image))
