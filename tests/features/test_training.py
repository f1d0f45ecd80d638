import numpy as np
import pytest

from zoo_core.data import Dataset, Split
from zoo_core.data.degradation import Degradation
from zoo_core.errors import UnsupportedShape, UsageError
from zoo_core.features import Classifier, storage
from zoo_core.features.storage import Recipe
from zoo_core.features.training import augment, train_classifier


def silent(line):
    pass


def squares(count, side=8, classes=("dark", "bright"), images=None, labels=None):
    """Dark and bright images by turns."""
    labels = np.arange(count, dtype=np.int32) % 2 if labels is None else labels
    images = np.broadcast_to((40 + 160 * labels)[:, None, None, None], (count, side, side, 1)).astype(np.uint8)
    return Dataset("squares", dict.fromkeys(("train", "validation", "test"), Split(images, labels)), classes)


def test_the_same_recipe_gives_the_same_file(small_set, hasty, tmp_path):
    network, info = train_classifier(small_set, Recipe(steps=3, batch_size=32, seed=7), silent)
    storage.save(tmp_path / "again.h5", network, info)
    assert (tmp_path / "again.h5").read_bytes() == hasty.read_bytes()
    network, info = train_classifier(small_set, Recipe(steps=3, batch_size=32, seed=8), silent)
    assert storage.save(tmp_path / "other.h5", network, info) != storage.sha256(hasty.read_bytes())


@pytest.mark.slow
def test_it_learns_and_says_how_well(tmp_path):
    seen = []
    data = squares(64)
    network, info = train_classifier(data, Recipe(steps=200, batch_size=32), seen.append)
    assert [line["step"] for line in seen] == list(range(1, 201))
    assert seen[-1]["classifier/loss"] < seen[0]["classifier/loss"]
    assert (info.validation_accuracy, info.test_accuracy) == (1, 1)
    assert (info.data, info.content_hash, info.classes) == ("squares", data.spec.content_hash, ("dark", "bright"))
    storage.save(tmp_path / "squares.h5", network, info)
    classifier = Classifier.open(tmp_path / "squares.h5")
    logits = classifier.logits(classifier.features(data.images("test")))
    assert (logits.argmax(axis=1) == data.labels("test")).all()


def test_fewer_images_than_a_batch_are_enough():
    _, info = train_classifier(squares(6), Recipe(steps=2), silent)
    assert 0 <= info.test_accuracy <= 1


def test_unlabelled_images_are_refused():
    split = Split(np.zeros((4, 8, 8, 1), np.uint8), None)
    data = Dataset("folder:photos", {"train": split, "validation": split, "test": split})
    with pytest.raises(UsageError, match="2 to 1,000 classes, and 'folder:photos' has 0"):
        train_classifier(data, Recipe(), silent)


def test_a_single_class_is_refused():
    data = squares(4, classes=("only",), labels=np.zeros(4, np.int32))
    with pytest.raises(UsageError, match="2 to 1,000 classes, and 'squares' has 1"):
        train_classifier(data, Recipe(), silent)


def test_pairs_are_refused_since_only_their_images_would_be_learnt_from():
    with pytest.raises(UsageError, match=r"'squares~noise25' have inputs.*Leave ~DEGRADATION out"):
        train_classifier(squares(4).named("squares~noise25", None).degraded(Degradation("noise", 25)), Recipe(), silent)


def test_sizes_that_it_cannot_take_are_refused_before_training():
    with pytest.raises(UnsupportedShape, match="8 to 256 pixels, received 7x7") as caught:
        train_classifier(squares(4, side=7), Recipe(), silent)
    assert "squares@32" in caught.value.hint


def test_no_shift_and_no_rotation_leave_images_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (3, 9, 7, 3), dtype=np.uint8)
    found = augment(images, Recipe(shift=0, rotation=0), np.random.default_rng(0))
    np.testing.assert_allclose(found, images, atol=1e-3)


def test_a_rotated_disc_stays_where_it_is_and_a_shifted_one_does_not():
    y, x = np.mgrid[:17, :17] - 8
    disc = np.where(x**2 + y**2 < 20, 255, 0).astype(np.uint8)
    discs = np.repeat(disc[None, ..., None], 50, axis=0)
    rotated = augment(discs, Recipe(shift=0, rotation=90), np.random.default_rng(0))
    assert np.abs(centre(rotated)).max() < 0.2
    shifted = augment(discs, Recipe(shift=0.1, rotation=0), np.random.default_rng(0))
    assert 1.2 < np.abs(centre(shifted)).max() <= 1.75


def centre(images):
    """The centre of mass of (N, H, W, 1) images from their middle, (2, N) pixels."""
    y, x = np.mgrid[: images.shape[1], : images.shape[2]] - (images.shape[1] - 1) / 2
    mass = images[..., 0].sum(axis=(1, 2))
    return np.stack([(images[..., 0] * axis).sum(axis=(1, 2)) / mass for axis in (x, y)])
