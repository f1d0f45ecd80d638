"""The conformance kit: whether a model, a data set, a feature network or a metric keeps the contract of docs/plugins.md
and docs/extensions.md, check by check.

Three ways in: `check_model` and its like, `@parametrize_with_checks` for pytest, and the command `zoo plugins check`.
For tests of what is special about a model there are `build_model` and `loss_of`.
"""

from zoo_core.testing.kit import check_dataset, check_features, check_metric, check_model
from zoo_core.testing.own_tests import build_model, loss_of
from zoo_core.testing.parametrize import parametrize_with_checks
from zoo_core.testing.results import CheckFailed, CheckResult, CheckSkipped

__all__ = [
    "CheckFailed",
    "CheckResult",
    "CheckSkipped",
    "build_model",
    "check_dataset",
    "check_features",
    "check_metric",
    "check_model",
    "loss_of",
    "parametrize_with_checks",
]
