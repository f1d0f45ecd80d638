"""A plugin-based zoo of generative image models. Importing this imports neither Keras nor a backend."""

import os

import lazy_loader

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras' own default, TensorFlow, is not among the dependencies

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
