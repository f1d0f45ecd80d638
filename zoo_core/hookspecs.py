"""The hooks that a plugin may implement, found through the entry-point group `zoo_core`."""

from collections.abc import Iterable

import pluggy

from zoo_core.specs import DatasetSpec, FeatureSpec, MetricSpec, ModelSpec

PROJECT = "zoo_core"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def zoo_models() -> Iterable[ModelSpec]:  # type: ignore[empty-body]
    """Yield one record for each model of the package. Called at every start: import no Keras here."""


@hookspec
def zoo_features() -> Iterable[FeatureSpec]:  # type: ignore[empty-body]
    """Yield one record for each feature network of the package. Called at every start: import no Keras here."""


@hookspec
def zoo_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """Yield one record for each data set of the package. Called at every start: import no Keras here."""


@hookspec
def zoo_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """Yield one record for each metric of the package. Called at every start: import no Keras here."""
