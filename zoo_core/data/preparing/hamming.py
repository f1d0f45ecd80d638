"""Which of many bit strings lie near an earlier one, without comparing all pairs.

The strings are cut into parts, more of them than bits may differ: two strings that are near agree wholly in some parts,
and only strings that do are compared (multi-index hashing: Norouzi, Punjani and Fleet, 2012; by several parts at once:
Manku, Jain and Das Sarma, 2007). Nothing is missed.
"""

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_FEW = 2**10  # strings of which all pairs are compared
_PAIRS = 2**19  # in memory at once, however many strings; above those of a few

Pairs = tuple[np.ndarray, np.ndarray]
"""The numbers of the strings on the left and on the right, int64 (P,) each."""


def leaders(strings: np.ndarray, threshold: int) -> tuple[np.ndarray, np.ndarray]:
    """The leader algorithm (Hartigan, 1975): in the order given, each string that lies near no earlier leader is one.

    Args:
        strings: uint8 (N, B), of 8 B bits.
        threshold: bits in which two strings that are near may differ at most.

    Returns:
        For each string its nearest earlier leader, the first of several, and the distance in bits, both int64 (N,);
        -1 and -1 for leaders.
    """
    search, count = _Search(strings, threshold), len(strings)
    if count:
        search.settle(0, count)
    distance, leader = np.divmod(search.nearest, max(1, count))
    alone = search.nearest == search.far
    return np.where(alone, -1, leader), np.where(alone, -1, distance)


def first_linked(strings: np.ndarray, threshold: int, leader: np.ndarray) -> np.ndarray:
    """The connected components of the graph whose edges are the pairs that are near.

    Args:
        leader: what `leaders` found.

    Returns:
        For each string the first of its component, int64 (N,).
    """
    first = np.where(leader < 0, np.arange(len(leader)), leader)
    if (leader < 0).all():  # two leaders are never near each other
        return first
    search, shape = _Search(strings, threshold), (len(first), len(first))
    for mask in search.masks(*shape):
        # Few at a time: where very many are near, most are of one component soon, and need not be compared any more.
        while links := search.links(mask, first):
            left, right = (first[side] for side in links)
            _, component = connected_components(coo_array((np.ones(len(left)), (left, right)), shape), directed=False)
            _, start = np.unique(component, return_index=True)
            first = start[component][first]
    return first


class _Search:
    """Args:
        strings: uint8 (N, B).

    Attributes:
        nearest: int64 (N,), distance * N + leader for the nearest leader that was found; the lower, the better it is.
        far: above all of them.
    """

    def __init__(self, strings: np.ndarray, threshold: int) -> None:
        self._count, width = strings.shape
        padded = np.zeros((self._count, -(-width // 8) * 8), np.uint8)
        padded[:, :width] = strings
        self._words = np.ascontiguousarray(padded.view(np.uint64).T)  # (W, N), a string in each column
        self._bits, self._threshold = 8 * width, threshold
        self.far = (threshold + 1) * self._count
        self.nearest = np.full(self._count, self.far, np.int64)

    def settle(self, start: int, stop: int) -> None:
        """Find the leaders among these strings; which of them follow an earlier leader is known."""
        if (self.nearest[start:stop] < self.far).all():
            return
        pairs = self._all_near(np.arange(start, stop))
        if pairs is None:  # so many are alike that the leaders of one half settle most of the other
            middle = (start + stop) // 2
            self.settle(start, middle)
            found = start + np.flatnonzero(self.nearest[start:middle] == self.far)
            for left, right in self._near(found, np.arange(middle, stop)):
                self._follow(left, right)
            self.settle(middle, stop)
            return
        left, right = pairs
        for group in np.split(np.arange(len(left)), np.flatnonzero(np.diff(left)) + 1):
            if len(group) and self.nearest[left[group[0]]] == self.far:
                self._follow(left[group], right[group])

    def links(self, mask: np.ndarray, groups: np.ndarray) -> Pairs | None:
        """Some pairs that are near, agree in the mask and are not of one group (N,); None where there are none."""
        keys = self._keys(np.arange(self._count), mask)
        near = (self._compared(*pairs) for pairs in _agreeing(keys, groups=groups))
        return next((pairs for pairs in near if len(pairs[0])), None)

    def _follow(self, leaders: np.ndarray, others: np.ndarray) -> None:
        distances = np.bitwise_count(self._words[:, leaders] ^ self._words[:, others]).sum(0, np.int64)
        np.minimum.at(self.nearest, others, distances * self._count + leaders)

    def _all_near(self, strings: np.ndarray) -> Pairs | None:
        """The pairs that are near, the earlier string of each on the left, in its order; None where they are many."""
        if len(strings) <= _FEW:
            left, right = np.triu_indices(len(strings), 1)
            return self._compared(strings[left], strings[right])
        found = np.empty(0, np.int64)
        for some, others in self._near(strings):
            pairs = np.minimum(some, others) * self._count + np.maximum(some, others)
            found = np.sort(np.concatenate([found, pairs]))
            found = found[np.diff(found, prepend=-1) > 0]  # np.unique hashes, which takes ten times as long
            if len(found) > _PAIRS:
                return None
        return np.divmod(found, self._count)

    def _near(self, left: np.ndarray, right: np.ndarray | None = None) -> Iterator[Pairs]:
        """The pairs that are near, of left and right or else within left, some more than once and either way around."""
        others = left if right is None else right
        for mask in self.masks(len(left), len(others)):
            keys = self._keys(left, mask), None if right is None else self._keys(right, mask)
            for some, other in _agreeing(*keys):
                yield self._compared(left[some], others[other])

    def _compared(self, left: np.ndarray, right: np.ndarray) -> Pairs:
        """Those of the pairs that are near."""
        distances = np.zeros(len(left), np.int64)
        for word in self._words:  # one after the other, as most pairs are told apart by the first
            distances += np.bitwise_count(word[left] ^ word[right])
            near = distances <= self._threshold
            left, right, distances = left[near], right[near], distances[near]
        return left, right

    def masks(self, left: int, right: int) -> Iterator[np.ndarray]:
        """Bits, uint64 (W,) each, such that two strings that are near agree in all bits of at least one mask."""

        def cost(agreeing: int) -> float:
            parts = self._threshold + agreeing
            pairs = left * right / 2 ** (self._bits * agreeing / parts)  # if each bit were the toss of a coin
            return comb(parts, agreeing) * (left + right + pairs)

        agreeing = min(range(1, max(1, self._bits - self._threshold) + 1), key=cost)
        parts = self._threshold + agreeing
        part = np.arange(len(self._words) * 64) % parts  # neighbouring bits are alike: each goes to another part
        for chosen in combinations(range(parts), agreeing):
            yield np.packbits(np.isin(part, chosen)).view(np.uint64)

    def _keys(self, strings: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """uint64 (N,), the same for strings that agree in the mask, and hardly ever for others."""
        random = np.random.Generator(np.random.PCG64(0))
        keys = np.zeros(len(strings), np.uint64)
        for word, bits in zip(self._words, mask, strict=True):
            keys += (word[strings] & bits) * (random.integers(2**63, dtype=np.uint64) * 2 + 1)
        return keys


def _agreeing(left: np.ndarray, right: np.ndarray | None = None, groups: np.ndarray | None = None) -> Iterator[Pairs]:
    """Places in left and in right, or else two places in left, where the keys are the same and, if groups of left are
    given, these are not; up to `_PAIRS` at once."""
    order = np.argsort(left) if groups is None else np.lexsort((groups, left))
    if right is None:
        same = np.diff(left[order]) == 0
        order = order[np.append(same, False) | np.append(False, same)]
    keys = left[order]
    if right is None:
        others, first, last = order, np.arange(1, len(order) + 1), np.searchsorted(keys, keys, "right")
        if groups is not None:  # of the same keys, those of a group stand together: step over the rest of it
            ends = np.flatnonzero((np.diff(keys) != 0) | (np.diff(groups[order]) != 0)) + 1
            first = np.append(ends, len(order))[np.searchsorted(ends, np.arange(len(order)), "right")]
    else:
        others, first, last = np.arange(len(right)), *(np.searchsorted(keys, right, side) for side in ("left", "right"))
    ends = np.cumsum(last - first)  # of the stretches of `order` that go with each of the others, put end to end
    total = int(ends[-1]) if len(ends) else 0
    for start in range(0, total, _PAIRS):
        pairs = np.arange(start, min(start + _PAIRS, total))
        of = np.searchsorted(ends, pairs, "right")
        yield order[last[of] - (ends[of] - pairs)], others[of]
