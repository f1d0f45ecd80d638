"""To be installed is to be tested: every model of every plugin passes the conformance kit."""

from collections.abc import Callable

import pytest

import zoo_core
from zoo_core.testing import parametrize_with_checks
from zoo_core.testing.kit import SLOW_CHECKS, perform
from zoo_core.testing.subject import Subject

MODELS = sorted(zoo_core.registry().models)


@parametrize_with_checks(MODELS)
def test_conformance(check: Callable[[], None]):
    check()


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("check", SLOW_CHECKS, ids=lambda check: check.__name__)
def test_slow_conformance(model: str, check: Callable[[Subject], None]):
    perform(check, Subject(model))
