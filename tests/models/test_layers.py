"""The fast layers have Keras' weights and results."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from zoo_core.models import layers


def copy_weights(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    for one, other in zip(source.weights, target.weights, strict=True):
        other.assign(one.value)


SHAPES = [(8, 8, 3), (6, 10, 1), (7, 14, 2), (2, 2, 5)]


@pytest.mark.parametrize("name", ["Conv2D", "Conv2DTranspose"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("use_bias", [True, False])
def test_results_and_gradients_are_those_of_keras(name: str, shape: tuple, use_bias: bool):
    rng = np.random.default_rng(0)
    ours, stock = (
        getattr(module, name)(5, 4, strides=2, padding="same", use_bias=use_bias, activation="tanh")
        for module in (layers, keras.layers)
    )
    x = jnp.asarray(rng.normal(size=(3, *shape)), "float32")
    ours.build(x.shape), stock.build(x.shape)
    stock.set_weights([rng.normal(size=weight.shape) for weight in stock.weights])
    copy_weights(stock, ours)
    weights = [weight.value for weight in stock.trainable_weights]

    def loss(layer: keras.layers.Layer, weights: list, x: jax.Array) -> jax.Array:
        with keras.StatelessScope(zip(layer.trainable_weights, weights, strict=True)):
            return jnp.sum(jnp.sin(layer(x)) * jnp.arange(5.0))

    np.testing.assert_allclose(ours(x), stock(x), rtol=1e-5, atol=1e-5)
    ours_gradients = jax.grad(loss, argnums=(1, 2))(ours, weights, x)
    stock_gradients = jax.grad(loss, argnums=(1, 2))(stock, weights, x)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), ours_gradients, stock_gradients)


@pytest.mark.parametrize(
    "settings",
    [{"kernel_size": 5}, {"kernel_size": 4, "padding": "valid"}, {"kernel_size": 4, "strides": 1}],
    ids=str,
)
def test_other_settings_are_left_to_keras(settings: dict):
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    settings = {"strides": 2, "padding": "same"} | settings
    for name in ("Conv2D", "Conv2DTranspose"):
        ours, stock = getattr(layers, name)(4, **settings), getattr(keras.layers, name)(4, **settings)
        ours.build(x.shape), stock.build(x.shape)
        copy_weights(stock, ours)
        np.testing.assert_array_equal(ours(x), stock(x))
