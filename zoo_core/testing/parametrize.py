"""The checks as tests of pytest."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from zoo_core.testing.kit import Check, perform, select
from zoo_core.testing.results import CheckSkipped
from zoo_core.testing.subject import Subject


def parametrize_with_checks(
    models: Iterable[str],
    *,
    expected_failed_checks: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    slow: bool = False,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a test so that it runs once for each model and check, under the id `model-check`:

        @parametrize_with_checks(["my-model"])
        def test_conformance(check):
            check()

    Args:
        models: names as for `zoo train`.
        expected_failed_checks: by the name of a check, the reason; marked `xfail`, strictly.
        options, slow: as for `check_model`.

    Raises:
        UsageError: for the name of a check that there is not.
    """
    import pytest  # only those who test have it

    expected = expected_failed_checks or {}
    parameters = []
    for model in models:
        subject = Subject(model, options)  # shared by its checks, and made of what they ask for
        for check in select(slow, expected):
            name = check.__name__
            marks = [pytest.mark.xfail(reason=expected[name], strict=True)] if name in expected else []
            parameters.append(pytest.param(partial(_run, check, subject), id=f"{model}-{name}", marks=marks))
    return pytest.mark.parametrize("check", parameters)


def _run(check: Check, subject: Subject) -> None:
    import pytest

    try:
        perform(check, subject)
    except CheckSkipped as reason:
        pytest.skip(str(reason))
