"""What the core brings itself, by the same hooks and the same entry-point group as every other plugin."""

from collections.abc import Iterable

from zoo_core.builtin.datasets import DATASETS
from zoo_core.builtin.features import FEATURES
from zoo_core.builtin.metrics import METRICS
from zoo_core.hookspecs import hookimpl
from zoo_core.specs import DatasetSpec, FeatureSpec, MetricSpec


@hookimpl
def zoo_features() -> Iterable[FeatureSpec]:
    return FEATURES


@hookimpl
def zoo_datasets() -> Iterable[DatasetSpec]:
    return DATASETS


@hookimpl
def zoo_metrics() -> Iterable[MetricSpec]:
    return METRICS
