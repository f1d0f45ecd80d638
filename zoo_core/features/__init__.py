"""Feature networks, the ground that distances between image sets stand on."""

from zoo_core.features.base import ClassifyingNetwork, FeatureNetwork
from zoo_core.features.classifier import Classifier
from zoo_core.features.loading import load_features, plugin_of
from zoo_core.features.pixels import Pixels

__all__ = ["Classifier", "ClassifyingNetwork", "FeatureNetwork", "Pixels", "load_features", "plugin_of"]
