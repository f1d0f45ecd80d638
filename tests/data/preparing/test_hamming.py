"""Near bit strings, found without comparing all pairs: exactly those that comparing all of them finds."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core.data.preparing import hamming
from zoo_core.data.preparing.hamming import first_linked, leaders


def compared_all(strings: np.ndarray, threshold: int) -> tuple[list[int], list[int]]:
    """The rule, spelled out."""
    of, distance = [], []
    for string in strings:
        distances = np.bitwise_count(strings[: len(of)] ^ string).sum(1, dtype=int)
        near = [(d, j) for j, d in enumerate(distances) if of[j] == -1 and d <= threshold]
        best, leader = min(near, default=(-1, -1))
        of.append(leader)
        distance.append(best)
    return of, distance


def linked_one_by_one(strings: np.ndarray, threshold: int) -> list[int]:
    """The first string that each is linked with, by following links until there are no more."""
    first = list(range(len(strings)))
    near = np.bitwise_count(strings[:, None] ^ strings).sum(-1, dtype=int) <= threshold
    for number in range(len(strings)):
        waiting = [number] if first[number] == number else []
        while waiting:
            for other in np.flatnonzero(near[waiting.pop()]):
                if first[other] > number:
                    first[other] = number
                    waiting.append(other)
    return first


def clustered(seed: int, count: int, width: int, flips: int, centres: int) -> np.ndarray:
    """Strings around some centres, each bit flipped with a chance of `flips` in 8 * `width`."""
    random = np.random.default_rng(seed)
    around = random.integers(0, 256, (centres, width), np.uint8)[random.integers(0, centres, count)]
    return around ^ np.packbits(random.random((count, 8 * width)) < flips / (8 * width), axis=1)


@pytest.mark.parametrize(("few", "pairs"), [(3, 30), (3, 2**19), (2**10, 2**19)])
@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, 60),
    st.sampled_from([1, 2, 8, 9, 32]),
    st.integers(0, 12),
    st.integers(1, 8),
    st.integers(0, 20),
)
def test_finds_what_comparing_all_pairs_finds(few, pairs, seed, count, width, flips, centres, threshold):
    strings = clustered(seed, count, width, flips, centres)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hamming, "_FEW", few)
        patch.setattr(hamming, "_PAIRS", pairs)
        of, distance = leaders(strings, threshold)
        first = first_linked(strings, threshold, of)
    assert (of.tolist(), distance.tolist()) == compared_all(strings, threshold)
    assert first.tolist() == linked_one_by_one(strings, threshold)


@pytest.mark.parametrize(("width", "threshold"), [(8, 0), (8, 4), (8, 10), (32, 20)])
def test_finds_the_same_in_thousands(width: int, threshold: int):
    strings = clustered(0, 3000, width, threshold, 1000)
    of, distance = leaders(strings, threshold)
    assert (of.tolist(), distance.tolist()) == compared_all(strings, threshold)
    assert 0 < np.count_nonzero(of >= 0) < 2999


def test_a_leader_is_never_led_and_always_the_nearest_and_first():
    strings = np.array([[0b0000], [0b1111], [0b0001], [0b0011], [0b0111], [0b0000]], np.uint8)
    of, distance = leaders(strings, 2)
    assert of.tolist() == [-1, -1, 0, 0, 1, 0]
    assert distance.tolist() == [-1, -1, 1, 2, 1, 0]


def test_two_that_are_not_near_are_linked_by_one_between_them():
    strings = np.array([[0b000000], [0b001111], [0b110000], [0b000011]], np.uint8)
    of, _ = leaders(strings, 2)
    assert of.tolist() == [-1, -1, 0, 0]  # the last lies as near to the second, and is told to follow the first
    assert first_linked(strings, 2, of).tolist() == [0, 0, 0, 0]


def test_pairs_compared_stay_few_among_unlike_strings(monkeypatch: pytest.MonkeyPatch):
    compared = count_pairs(monkeypatch)
    leaders(np.random.default_rng(0).integers(0, 256, (20_000, 8), np.uint8), 4)
    assert sum(compared) < 20_000 * 19_999 / 2 / 20


def test_a_hundred_thousand_alike_are_compared_with_few_and_in_little_memory(monkeypatch: pytest.MonkeyPatch):
    strings = clustered(0, 100_000, 8, 1, 1)
    compared = count_pairs(monkeypatch)
    tracemalloc.start()
    of, _ = leaders(strings, 8)
    first = first_linked(strings, 8, of)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.count_nonzero(of == -1) < 10
    assert (first == 0).all()
    assert sum(compared) < 100 * 100_000
    assert peak < 200e6


def count_pairs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    compared: list[int] = []
    compare = hamming._Search._compared

    def counting(search: hamming._Search, left: np.ndarray, right: np.ndarray) -> hamming.Pairs:
        compared.append(len(left))
        return compare(search, left, right)

    monkeypatch.setattr(hamming._Search, "_compared", counting)
    return compared
