"""What Keras' own layers don't do right, or not fast, for these models."""

from zoo_core.models.layers.batch_normalization import BatchNormalization
from zoo_core.models.layers.convolutions import Conv2D, Conv2DTranspose
from zoo_core.models.layers.dropout import Dropout
from zoo_core.models.layers.spectral_normalization import SpectralNormalization

__all__ = ["BatchNormalization", "Conv2D", "Conv2DTranspose", "Dropout", "SpectralNormalization"]
