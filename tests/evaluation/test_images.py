import numpy as np
import pytest

from zoo_core.errors import UsageError
from zoo_core.evaluation.images import (
    ArrayImages,
    Images,
    InColour,
    Taken,
    draw,
)


@pytest.fixture
def stored(images):
    """Ten images with labels and a hash."""
    return ArrayImages("ten", images(10, 4), np.arange(10, dtype=np.int32), tuple("abcdefghij"), "c0")


def test_an_array(stored, images):
    array = images(10, 4)
    assert (len(stored), stored.shape, stored.name) == (10, (4, 4, 1), "ten")
    assert np.array_equal(stored.read(2, 5), array[2:5])
    assert np.array_equal(stored.pick(np.array([9, 0])), array[[9, 0]])
    assert [len(chunk) for chunk in stored.chunks(4)] == [4, 4, 2]
    assert np.array_equal(np.concatenate(list(stored.chunks(3))), array)


@pytest.mark.parametrize(
    "array", [np.zeros((2, 4, 4)), np.zeros((2, 4, 4), np.uint8), np.zeros((0, 4, 4, 1), np.uint8)]
)
def test_an_array_of_something_else_is_refused(array):
    with pytest.raises(UsageError, match=r"'odd' should hold uint8 images \(N, H, W, C\), received"):
        ArrayImages("odd", array)


def test_some_of_others(stored):
    taken = Taken(stored, np.array([7, 2, 5]))
    assert (len(taken), taken.shape, taken.classes) == (3, (4, 4, 1), stored.classes)
    assert taken.labels.tolist() == [7, 2, 5]
    assert np.array_equal(taken.read(1, 3), stored.pick(np.array([2, 5])))
    again = Taken(taken, np.array([2, 0]))
    assert np.array_equal(again.pick(np.array([1])), stored.pick(np.array([7])))


def test_the_hash_of_some_is_of_which_and_of_what(stored, images):
    numbers = np.array([1, 2])
    other = ArrayImages("other", images(10, 4, seed=1), content_hash="c1")
    sets = [Taken(stored, numbers), Taken(stored, numbers[::-1]), Taken(stored, numbers[:1]), Taken(other, numbers)]
    assert len({taken.content_hash for taken in [stored, *sets]}) == 5
    assert Taken(stored, numbers.astype(np.int32)).content_hash == sets[0].content_hash
    assert Taken(ArrayImages("no hash", images(10, 4)), numbers).content_hash is None


def test_drawing_is_without_replacement_and_repeats(stored):
    drawn = draw(stored, 6)
    assert isinstance(drawn, Images)
    assert len(set(drawn.labels.tolist())) == 6
    assert draw(stored, 6).labels.tolist() == drawn.labels.tolist()
    assert draw(stored, 6, seed=1).labels.tolist() != drawn.labels.tolist()
    assert draw(stored, 10) is stored
    assert draw(stored, 11) is stored


def test_each_image_is_as_likely_to_be_drawn(stored):
    counts = np.bincount(np.concatenate([draw(stored, 3, seed).labels for seed in range(1000)]), minlength=10)
    assert np.abs(counts - 300).max() < 4 * np.sqrt(1000 * 0.3 * 0.7)


def test_gray_in_colour(stored, images):
    colour = InColour(stored)
    assert (len(colour), colour.shape) == (10, (4, 4, 3))
    assert np.array_equal(colour.read(0, 2), np.repeat(stored.read(0, 2), 3, axis=3))
    assert colour.labels is stored.labels
    assert colour.content_hash not in (None, stored.content_hash)
    assert InColour(ArrayImages("no hash", images(2, 4))).content_hash is None
