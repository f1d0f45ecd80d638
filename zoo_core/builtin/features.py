"""The feature networks of the core."""

from zoo_core.specs import FeatureSpec

FEATURES = (
    FeatureSpec(
        name="inception",
        summary="2048 features of the Inception network of 2015-12-05, those of FID (Heusel et al. 2017)",
        target="zoo_core.features.opening:open_inception",
    ),
    FeatureSpec(
        name="classifier",
        summary="64 features of a small classifier trained on the data set itself (zoo classifier train)",
        target="zoo_core.features.opening:open_classifier",
    ),
    FeatureSpec(
        name="pixels",
        summary="the pixels divided by 255, at most 32 on the longer side",
        target="zoo_core.features.opening:open_pixels",
    ),
)
