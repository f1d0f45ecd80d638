"""The conformance kit: whether a model, a data set, a feature network or a metric keeps the contract of docs/plugins.md
and docs/extensions.md, check by check.

Three ways in: `check_model` and its like, `@parametrize_with_checks` for pytest, and the command `zoo plugins check`.
"""

from zoo_core.testing.kit import check_dataset, check_features, check_metric, check_model
from zoo_core.testing.parametrize import parametrize_with_checks
from zoo_core.testing.results import CheckFailed, CheckResult, CheckSkipped

__all__ = [
    "CheckFailed",
    "CheckResult",
    "CheckSkipped",
    "check_dataset",
    "check_features",
    "check_metric",
    "check_model",
    "parametrize_with_checks",
]
