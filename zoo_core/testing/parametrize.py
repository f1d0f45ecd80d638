"""The checks as tests of pytest."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from zoo_core.testing.checked import Checked
from zoo_core.testing.kit import Check, perform, select, subjects
from zoo_core.testing.results import CheckSkipped


def parametrize_with_checks(
    names: Iterable[str],
    *,
    expected_failed_checks: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    slow: bool = False,
    weights: str | Path | None = None,
    data_dir: str | Path | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a test so that it runs once for each name and check, under the id `name-check`:

        @parametrize_with_checks(["my-model"])
        def test_conformance(check):
            check()

    Args:
        names: of models, data sets, feature networks and metrics.
        expected_failed_checks: by the name of a check, the reason; marked `xfail`, strictly.
        options, slow: of models, as for `check_model`.
        weights: of feature networks, as for `check_features`.
        data_dir: of data sets, as for `check_dataset`.

    Raises:
        UsageError: for the name of a check that there is not.
    """
    import pytest  # only those who test have it

    expected = expected_failed_checks or {}
    parameters = []
    # A subject is shared by its checks, and made of what they ask for.
    for subject in [each for name in names for each in subjects(name, options, weights, data_dir)]:
        for check in select(subject, slow, expected):
            name = check.__name__
            marks = [pytest.mark.xfail(reason=expected[name], strict=True)] if name in expected else []
            parameters.append(pytest.param(partial(_run, check, subject), id=f"{subject.name}-{name}", marks=marks))
    return pytest.mark.parametrize("check", parameters)


def _run(check: Check, subject: Checked[Any]) -> None:
    import pytest

    try:
        perform(check, subject)
    except CheckSkipped as reason:
        pytest.skip(str(reason))
