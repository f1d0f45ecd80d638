"""Batch normalization is that of Keras, and XLA computes a pass once where two phases make it."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from zoo_core.models.layers import BatchNormalization
from zoo_core.training.backends import backend
from zoo_core.training.backends.base import LossOf

SETTINGS = [
    {},
    {"scale": False},
    {"center": False},
    {"momentum": 0.5, "epsilon": 0.1},
    {"axis": 1},
    {"trainable": False},
    {"renorm": True},
    {"dtype": "mixed_bfloat16"},
]


def pair(**settings) -> tuple[keras.layers.Layer, keras.layers.Layer, np.ndarray]:
    """Our layer and Keras' with the same weights, and inputs (5, 4, 6, 3)."""
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, size=(5, 4, 6, 3)).astype("float32")
    ours, stock = BatchNormalization(**settings), keras.layers.BatchNormalization(**settings)
    for layer in (ours, stock):
        layer.build(x.shape)
    weights = [rng.uniform(0.5, 2, size=weight.shape) for weight in stock.weights]
    ours.set_weights(weights), stock.set_weights(weights)
    return ours, stock, x


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_results_and_statistics_are_those_of_keras(settings: dict, training: bool):
    ours, stock, x = pair(**settings)
    one, other = (ops.cast(layer(x, training=training), "float32") for layer in (ours, stock))
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (one, other)), rtol=1e-5, atol=1e-5)
    for one, other in zip(ours.weights, stock.weights, strict=True):
        np.testing.assert_allclose(*map(ops.convert_to_numpy, (one, other)), rtol=1e-6, atol=1e-6)


def test_masked_inputs_are_left_to_keras():
    ours, stock, x = pair()
    mask = np.random.default_rng(1).random(x.shape[:-1]) < 0.5
    np.testing.assert_array_equal(
        *(ops.convert_to_numpy(layer(x, training=True, mask=mask)) for layer in (ours, stock))
    )


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="the form is that of Keras")
def test_gradients_are_those_of_keras():
    """Of inputs, γ and β, as the backend that runs derives them."""
    ours, stock, x = pair()
    slope = ops.convert_to_tensor(np.random.default_rng(1).normal(size=x.shape).astype("float32"))

    def loss_of(layer: keras.layers.Layer) -> LossOf:
        def loss(arrays: dict) -> tuple:
            with keras.StatelessScope([(v, arrays[v.name]) for v in layer.trainable_variables]):
                return ops.sum(ops.sin(layer(arrays["x"], training=True)) * slope), None

        return loss

    found = []
    for layer in (ours, stock):
        arrays = {"x": ops.convert_to_tensor(x)} | {v.name: v.value for v in layer.trainable_variables}
        _, gradients = backend().compile(partial(backend().value_and_grad, loss_of(layer)))(arrays)
        found.append({name: backend().to_numpy(gradient) for name, gradient in gradients.items()})
    for name in ("x", "gamma", "beta"):
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-4, atol=1e-4)


def test_a_single_value_is_normalized_as_keras_does():
    layers = BatchNormalization(), keras.layers.BatchNormalization()
    one, other = (ops.convert_to_numpy(layer(np.full((1, 3), 5.0, "float32"), training=True)) for layer in layers)
    np.testing.assert_array_equal(one, other)


def test_settings_are_kept_by_a_round_trip():
    ours, _, _ = pair(momentum=0.5, epsilon=0.1)
    assert BatchNormalization.from_config(ours.get_config()).get_config() == ours.get_config()


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="it is XLA that computes equal expressions once")
def test_the_same_pass_with_and_without_gradients_is_computed_once():
    """As by the phases of a GAN: the discriminator's has images of the generator without gradients."""
    import jax

    inputs = keras.Input((4, 4, 8))
    outputs = keras.layers.Dense(16)(keras.layers.ReLU()(BatchNormalization()(inputs)))
    network = keras.Model(inputs, outputs)
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 8)).astype("float32")

    def loss(weights: list, others: list, x: jax.Array) -> jax.Array:
        y, _ = network.stateless_call(weights, others, x, training=True)
        return ops.sum(ops.sin(y))

    def with_gradients(*arguments) -> tuple:
        return jax.value_and_grad(loss)(*arguments)

    def with_and_without(*arguments) -> tuple:
        return network.stateless_call(*arguments, training=True), with_gradients(*arguments)

    weights, others = ([v.value for v in vs] for vs in (network.trainable_variables, network.non_trainable_variables))
    programs = [jax.jit(f).lower(weights, others, x).compile() for f in (with_gradients, with_and_without)]
    products = [program.as_text().count(" dot(") for program in programs]
    assert products[0] == products[1] > 0
