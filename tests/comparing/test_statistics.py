import doctest
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from zoo_core.comparing.statistics import holm, pairwise, pareto_front, share_interval, t_interval, welch

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
FINITE = st.floats(-1e6, 1e6)


def test_the_examples_of_the_page_give_what_it_says() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried >= 8
    assert not failed


def test_what_is_named_in_the_page_exists() -> None:
    names = re.findall(r"`zoo_core\.comparing\.statistics\.(\w+)`", PAGE.read_text(encoding="utf-8"))
    assert set(names) >= {"t_interval", "welch", "holm", "pairwise", "pareto_front", "share_interval"}


def test_welch_agrees_with_its_published_examples() -> None:
    # the third example of en.wikipedia.org/wiki/Welch's_t-test: t = -2.22, 24.5 degrees of freedom, p = 0.036
    low = [19.8, 20.4, 19.6, 17.8, 18.5, 18.9, 18.3, 18.9, 19.5, 22.0]
    high = [28.2, 26.6, 20.1, 23.3, 25.2, 22.1, 17.7, 27.6, 20.6, 13.7]
    high += [23.2, 17.5, 20.6, 18.0, 23.9, 21.6, 24.3, 20.4, 24.0, 13.2]
    assert welch(low, high) == pytest.approx(0.036, abs=5e-4)
    # its second: p = 0.149
    low = [17.2, 20.9, 22.6, 18.1, 21.7, 21.4, 23.5, 24.2, 14.7, 21.8]
    high = [21.5, 22.8, 21.0, 23.0, 21.6, 23.6, 22.5, 20.7, 23.4, 21.8]
    high += [20.7, 21.7, 21.5, 22.5, 23.6, 21.5, 22.5, 23.5, 21.5, 21.8]
    assert welch(low, high) == pytest.approx(0.149, abs=5e-4)


@pytest.mark.parametrize(
    ("values", "others", "p"),
    [
        ([1.0], [2.0, 3.0], None),
        ([1.0, math.nan], [2.0, 3.0], None),
        ([1.0, math.inf], [2.0, 3.0], None),
        ([1.0, 1.0], [1.0, 1.0], 1.0),
        ([1.0, 1.0], [2.0, 2.0], 0.0),
    ],
)
def test_what_cannot_be_tested_is_not(values: list[float], others: list[float], p: float | None) -> None:
    assert welch(values, others) == p


def test_holm_agrees_with_rs_p_adjust() -> None:
    # p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") in R
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.04, 0.005, 0.9]) == pytest.approx([0.08, 0.015, 0.9])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.2))
def test_holm_rejects_what_its_procedure_rejects(p: list[float], level: float) -> None:
    """Step by step, as Holm 1979 has it: the smallest against α/m, the next against α/(m−1), until one fails."""
    rejected = set()
    for step, number in enumerate(sorted(range(len(p)), key=lambda n: p[n])):
        if p[number] * (len(p) - step) >= level:
            break
        rejected.add(number)
    assert {n for n, adjusted in enumerate(holm(p)) if adjusted < level} == rejected


@given(st.lists(st.lists(FINITE, max_size=4), max_size=5))
def test_pairs_are_those_that_can_be_tested(groups: list[list[float]]) -> None:
    found = pairwise(groups)
    testable = [n for n, group in enumerate(groups) if len(group) > 1]
    assert set(found) == set(itertools.combinations(testable, 2))
    assert all(0 <= p <= 1 for p in found.values())


def test_chance_alone_seldom_makes_any_of_six_equal_models_differ() -> None:
    """The family-wise error of three seeds each, whose spreads differ: without a correction it is near 30 %."""
    random = np.random.default_rng(0)
    draws = random.normal(size=(300, 6, 3)) * np.exp(random.normal(size=(300, 6, 1)))
    wrong = sum(min(pairwise(models.tolist()).values()) < 0.05 for models in draws) / len(draws)
    assert wrong < 0.05


@given(st.lists(FINITE, min_size=2, max_size=6))
def test_the_interval_is_scipys(values: list[float]) -> None:
    found = t_interval(values)
    assert found is not None
    low, high = found
    assert low <= np.mean(values) <= high or math.isclose(low, high, rel_tol=1e-9)
    if np.ptp(values) > 1e-3:
        expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert (low, high) == pytest.approx((expected.low, expected.high), rel=1e-6, abs=1e-6)


def test_no_interval_without_a_spread() -> None:
    assert t_interval([1.0]) is None
    assert t_interval([1.0, math.inf]) is None


def test_wilsons_interval_agrees_with_a_published_example() -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I: 81 of 263, method 3
    assert share_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert share_interval(0, 3)[0] == pytest.approx(0, abs=1e-12)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=8))
def test_the_front_is_what_nobody_dominates(points: list[tuple[float, float]]) -> None:
    front = pareto_front(points)
    assert any(front)
    for point, on in zip(points, front, strict=True):
        dominated = any(o[0] <= point[0] and o[1] <= point[1] and o != point for o in points)
        assert on != dominated


def test_what_is_not_finite_is_not_on_the_front() -> None:
    assert pareto_front([(1.0, math.nan), (2.0, 1.0)]) == [False, True]
