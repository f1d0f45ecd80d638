import dataclasses
import hashlib
import json
import math
import resource
import shutil
from datetime import timedelta
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core.data import SPLITS, Dataset, Prepared, Split, read_h5, write_h5
from zoo_core.errors import UsageError, ZooError


def small(labelled: bool = True, classes: tuple[str, ...] = ("cat", "dög"), seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    splits = {}
    for split, count in zip(SPLITS, (6, 2, 3), strict=True):
        labels = rng.integers(0, len(classes), count).astype(np.int32) if labelled else None
        splits[split] = Split(rng.integers(0, 256, (count, 4, 5, 3)).astype(np.uint8), labels)
    return Dataset("small", splits, classes if labelled else ())


@pytest.fixture
def path(tmp_path):
    write_h5(small(), tmp_path / "set.h5", {"source": "here"})
    return tmp_path / "set.h5"


@pytest.mark.parametrize("labelled", [True, False])
def test_what_is_written_is_read(labelled, tmp_path):
    written = small(labelled)
    write_h5(written, tmp_path / "set.h5", {"source": "here", "steps": ["crop"]})
    read = read_h5(tmp_path / "set.h5")
    assert dataclasses.replace(read.spec, content_hash="") == dataclasses.replace(written.spec, content_hash="")
    assert read.provenance == {"source": "here", "steps": ["crop"]}
    for split in SPLITS:
        assert np.array_equal(read.images(split), written.images(split))
        assert np.array_equal(read.labels(split), written.labels(split))
    read.verify()


def test_images_are_mapped_read_only(path):
    images = read_h5(path).images("train")
    assert isinstance(images, np.memmap)
    assert not images.flags.writeable


def test_the_documented_layout_is_what_others_find_in_the_file(path):
    with h5py.File(path) as file:
        assert file.attrs["format"] == b"zoo-dataset"
        assert file.attrs["schema"] == 2
        assert json.loads(file.attrs["classes"]) == ["cat", "dög"]
        assert json.loads(file.attrs["provenance"]) == {"source": "here"}
        assert len(file.attrs["content_hash"]) == 64
        assert file["validation/images"].shape == (2, 4, 5, 3)
        assert file["validation/images"].chunks is None
        assert file["validation/labels"].dtype == np.int32
        pixels = small().images("train")
        assert file["train/hashes"][4].tobytes() == hashlib.sha256(b"(4, 5, 3)" + pixels[4].tobytes()).digest()
        assert list(file["train/paths"][:2]) == [b"train/0", b"train/1"]
        assert set(file["test/label_origins"]) == {3}
        assert set(file["test/label_confidences"]) == {1.0}
        assert file["statistics/count"][()] == 6 * 4 * 5
        assert list(file["statistics/sums"]) == pixels.sum((0, 1, 2), np.int64).tolist()
        np.testing.assert_allclose(file["statistics/means"], pixels.mean((0, 1, 2)))
        np.testing.assert_allclose(file["statistics/deviations"], pixels.std((0, 1, 2)))


def test_very_many_class_names_fit(tmp_path):
    classes = tuple(f"class number {number}" for number in range(20_000))
    write_h5(small(classes=classes), tmp_path / "set.h5", {})
    assert read_h5(tmp_path / "set.h5").classes == classes


def one_pixel(file):
    file["test/images"][0, 0, 0, 0] ^= 1


def one_hash(file):
    file["test/hashes"][2, 3] ^= 1


def one_label(file):
    file["test/labels"][0] ^= 1


def one_origin(file):
    file["validation/label_origins"][0] = 1


def one_confidence(file):
    file["train/label_confidences"][0] = 0.5


def one_path(file):
    file["train/paths"][0] = b"train/9"


def the_statistics(file):
    file["statistics/sums"][0] += 120
    file["statistics/means"][0] += 1
    sums, squares = file["statistics/sums"][0], file["statistics/squares"][0]
    file["statistics/deviations"][0] = math.sqrt((120 * int(squares) - int(sums) ** 2) / 120**2)


def the_classes(file):
    file.attrs["classes"] = np.bytes_('["cat", "dig"]')


@pytest.mark.parametrize(
    "change", [one_pixel, one_hash, one_label, one_origin, one_confidence, one_path, the_statistics, the_classes]
)
def test_what_the_file_says_is_believed_until_it_is_verified(path, change):
    stated = read_h5(path).spec.content_hash
    with h5py.File(path, "r+") as file:
        change(file)
    changed = read_h5(path)
    assert changed.spec.content_hash == stated
    with pytest.raises(ZooError, match="was changed after it was written"):
        changed.verify()


def test_a_changed_image_is_named(path):
    with h5py.File(path, "r+") as file:
        one_pixel(file)
    with pytest.raises(ZooError, match="the pixels of 'test/0' are not what its hash says"):
        Prepared(path).verify()


def external_link(file, folder):
    shutil.copy(folder / "set.h5", folder / "other.h5")
    del file["train"]
    file["train"] = h5py.ExternalLink(str(folder / "other.h5"), "/test")


def external_storage(file, folder):
    (folder / "secret.bin").write_bytes(bytes(360))
    replace_images(file, shape=(6, 4, 5, 3), dtype="u1", external=str(folder / "secret.bin"))


def replace_images(file, **arguments):
    del file["train/images"]
    file.create_dataset("train/images", **arguments)


def chunked(file, folder):
    replace_images(file, data=np.zeros((6, 4, 5, 3), np.uint8), chunks=(1, 4, 5, 3))


def virtual(file, folder):
    layout = h5py.VirtualLayout((6, 4, 5, 3), "u1")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (6, 4, 5, 3))
    del file["train/images"]
    file.create_virtual_dataset("train/images", layout)


def soft_link(file, folder):
    del file["train/hashes"]
    file["train/hashes"] = h5py.SoftLink("/test/hashes")


def hashes_of_other_images(file, folder):
    del file["train/hashes"]
    file["train/hashes"] = np.zeros((5, 32), np.uint8)


def unknown_origin(file, folder):
    file["train/label_origins"][0] = 99


def confidence_that_is_no_number(file, folder):
    file["test/label_confidences"][0] = np.nan


def no_statistics(file, folder):
    del file["statistics"]


def means_of_other_sums(file, folder):
    file["statistics/means"][0] += 1


def float_images(file, folder):
    replace_images(file, data=np.zeros((6, 4, 5, 3), np.float32))


def two_channels(file, folder):
    replace_images(file, data=np.zeros((6, 4, 5, 2), np.uint8))


def other_shape(file, folder):
    replace_images(file, data=np.zeros((6, 4, 4, 3), np.uint8))


def never_written(file, folder):
    replace_images(file, shape=(6, 4, 5, 3), dtype="u1")


def no_images(file, folder):
    del file["train/images"]


def no_test(file, folder):
    del file["test"]


def labels_missing(file, folder):
    del file["test/labels"]


def label_out_of_range(file, folder):
    file["test/labels"][0] = 2  # -1 would stand for none


def labels_of_64_bits(file, folder):
    del file["test/labels"]
    file["test/labels"] = np.zeros(3, np.int64)


def other_format(file, folder):
    file.attrs["format"] = np.bytes_("keras")


def earlier_schema(file, folder):
    file.attrs["schema"] = 1


def later_schema(file, folder):
    file.attrs["schema"] = 3


def classes_not_json(file, folder):
    file.attrs["classes"] = np.bytes_("cat, dog")


def classes_not_texts(file, folder):
    file.attrs["classes"] = np.bytes_("[1, 2]")


def provenance_not_an_object(file, folder):
    file.attrs["provenance"] = np.bytes_("[]")


@pytest.mark.parametrize(
    "spoil",
    [
        external_link,
        external_storage,
        chunked,
        virtual,
        soft_link,
        hashes_of_other_images,
        unknown_origin,
        confidence_that_is_no_number,
        no_statistics,
        means_of_other_sums,
        float_images,
        two_channels,
        other_shape,
        never_written,
        no_images,
        no_test,
        labels_missing,
        label_out_of_range,
        labels_of_64_bits,
        other_format,
        earlier_schema,
        later_schema,
        classes_not_json,
        classes_not_texts,
        provenance_not_an_object,
    ],
)
def test_refused(spoil, path):
    with h5py.File(path, "r+") as file:
        spoil(file, path.parent)
    with pytest.raises(ZooError, match="is not a zoo data set") as caught:
        read_h5(path)
    assert "docs/data.md" in caught.value.hint
    assert "zoo datasets prepare SOURCE OUT.h5" in caught.value.hint


def test_a_missing_file_is_the_callers_mistake(tmp_path):
    with pytest.raises(UsageError, match="There is no file"):
        read_h5(tmp_path / "absent.h5")
    with pytest.raises(UsageError, match="folder:PATH"):
        read_h5(tmp_path)


@given(data=st.data())
@settings(deadline=timedelta(seconds=10), max_examples=150)
def test_a_damaged_file_is_refused_or_read_never_worse(data, damaged, tmp_path_factory):
    path = tmp_path_factory.mktemp("h5") / "set.h5"
    write_h5(small(), path, {})
    whole = read_h5(path).spec
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    try:
        dataset = read_h5(path)
        dataset.verify()
    except ZooError:
        return
    assert dataset.spec == whole


def test_a_full_disk_leaves_the_earlier_file(path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=100))
    with pytest.raises(ZooError, match=r"Can't write.*No space left on device"):
        write_h5(small(seed=1), path, {})
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["set.h5"]


def test_a_write_that_fails_half_way_leaves_the_earlier_file(path):
    before = path.read_bytes()
    large = Dataset("large", dict.fromkeys(SPLITS, Split(np.ones((9, 64, 64, 3), np.uint8), None)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(ZooError, match=r"Can't write.*File too large"):
            write_h5(large, path, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["set.h5"]
