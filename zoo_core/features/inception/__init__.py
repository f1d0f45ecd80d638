"""The feature network of the Fréchet Inception distance, exact in every quirk."""

from zoo_core.features.inception.inception import Inception

__all__ = ["Inception"]
