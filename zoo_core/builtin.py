"""What the core brings itself, by the same hook and the same entry-point group as every other plugin."""

from collections.abc import Iterator

from zoo_core.hookspecs import hookimpl
from zoo_core.specs import FeatureSpec


@hookimpl
def zoo_features() -> Iterator[FeatureSpec]:
    yield FeatureSpec(
        name="inception",
        summary="2048 features of the Inception network of 2015-12-05, those of FID (Heusel et al. 2017)",
        target="zoo_core.features.opening:open_inception",
    )
    yield FeatureSpec(
        name="classifier",
        summary="64 features of a small classifier trained on the data set itself (zoo classifier train)",
        target="zoo_core.features.opening:open_classifier",
    )
    yield FeatureSpec(
        name="pixels",
        summary="the pixels divided by 255, at most 32 on the longer side",
        target="zoo_core.features.opening:open_pixels",
    )
