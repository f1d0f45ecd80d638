"""Spectral normalization bounds the layer and leaves the raw kernel alone, whichever phase calls it."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo_core.models import Tensor, layers

LAYERS = [
    (lambda: keras.layers.Dense(5), (4, 7), (7, 5)),
    (lambda: layers.Conv2D(6, 3, padding="same"), (2, 8, 8, 3), (27, 6)),
    (lambda: layers.Conv2DTranspose(5, 4, strides=2, padding="same"), (2, 4, 4, 3), (48, 5)),
    (lambda: keras.layers.Embedding(9, 4), (4,), (9, 4)),
]


def matrix_of(kernel: np.ndarray, layer: keras.layers.Layer) -> np.ndarray:
    """(inputs, outputs)."""
    if isinstance(layer, keras.layers.Conv2DTranspose):
        kernel = np.moveaxis(kernel, -2, -1)
    return kernel.reshape(-1, kernel.shape[-1])


def kernel_of(layer: keras.layers.Layer) -> keras.Variable:
    return layer.embeddings if isinstance(layer, keras.layers.Embedding) else layer.kernel


def inputs_of(layer: keras.layers.Layer, shape: tuple) -> np.ndarray:
    if isinstance(layer, keras.layers.Embedding):
        return np.random.default_rng(0).integers(0, 9, shape)
    return normal(*shape)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def numbers(tensor: Tensor) -> np.ndarray:
    """A copy: on torch an array may share the memory of a weight."""
    return np.array(ops.convert_to_numpy(tensor))


def dense(units: int = 5, **settings) -> layers.SpectralNormalization:
    """On (N, 7), with a kernel that is far from normalized."""
    normalized = layers.SpectralNormalization(keras.layers.Dense(units, use_bias=False), **settings)
    normalized.build((None, 7))
    normalized.layer.kernel.assign(normal(7, units))
    return normalized


@pytest.mark.parametrize(("make", "shape", "matrix_shape"), LAYERS)
def test_the_layer_is_called_with_its_kernel_over_the_largest_singular_value(make, shape: tuple, matrix_shape: tuple):
    layer, plain = layers.SpectralNormalization(make(), iterations=200), make()
    x = inputs_of(plain, shape)
    plain(x), layer(x, training=True)
    raw = numbers(kernel_of(layer.layer))
    matrix = matrix_of(raw, plain)
    assert matrix.shape == matrix_shape
    kernel_of(plain).assign(raw / np.linalg.svd(matrix, compute_uv=False)[0])
    for training in (True, False):
        np.testing.assert_allclose(numbers(layer(x, training=training)), numbers(plain(x)), rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(numbers(kernel_of(layer.layer)), raw)


def test_one_iteration_is_a_step_of_the_power_method():
    layer = dense()
    kernel, u = numbers(layer.layer.kernel), numbers(layer.u)
    v = kernel @ u
    expected = (v / np.linalg.norm(v)) @ kernel
    layer(np.ones((1, 7), "float32"), training=True)
    updated = numbers(layer.u)
    np.testing.assert_allclose(updated, expected / np.linalg.norm(expected), rtol=1e-5, atol=1e-6)
    layer(np.ones((1, 7), "float32"), training=False)
    np.testing.assert_array_equal(numbers(layer.u), updated)


def test_training_calls_approach_the_spectral_norm_from_below():
    layer, x = dense(), np.eye(7, dtype="float32")
    largest = np.linalg.svd(numbers(layer.layer.kernel), compute_uv=False)[0]
    norms = []
    for _ in range(60):
        effective = numbers(layer(x, training=True))
        norms.append(np.linalg.svd(effective, compute_uv=False)[0])
    assert norms[0] > 1
    assert norms[-1] == pytest.approx(1, rel=1e-3)
    np.testing.assert_allclose(numbers(layer.layer.kernel) / largest, effective, rtol=1e-3, atol=1e-4)


def test_the_gradient_is_that_of_equation_12(known_tools: type):
    layer, x = dense(), normal(3, 7, seed=1)
    kernel, weight = layer.layer.kernel, normal(3, 5, seed=2)
    layer(x, training=True)

    def loss(value: Tensor) -> Tensor:
        with keras.StatelessScope([(kernel, value)]):
            return ops.sum(layer(x, training=False) * ops.convert_to_tensor(weight))

    matrix, u = numbers(kernel), numbers(layer.u)
    gradient = numbers(known_tools().grad(loss)(ops.convert_to_tensor(matrix)))
    v = matrix @ u / np.linalg.norm(matrix @ u)
    sigma = v @ matrix @ u
    of_normalized = x.T @ weight
    expected = (of_normalized - (of_normalized * matrix / sigma).sum() * np.outer(v, u)) / sigma
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("stock", "kept"), [(False, True), (True, False)])
def test_a_pass_of_another_phase_leaves_the_kernel_alone(stock: bool, kept: bool):
    """What the engine does: phases share one state, and a phase returns what it did to weights that it doesn't own."""
    wrap = keras.layers.SpectralNormalization if stock else layers.SpectralNormalization
    discriminator = keras.Sequential([keras.Input((7,)), wrap(keras.layers.Dense(1))])
    kernel = discriminator.trainable_variables[0]
    state = [(variable, ops.convert_to_tensor(numbers(variable))) for variable in discriminator.variables]
    with keras.StatelessScope(state) as scope:
        discriminator(normal(4, 7), training=True)
        after = numbers(scope.get_current_value(kernel))
    assert np.array_equal(numbers(kernel), after) == kept


def test_the_raw_kernel_is_what_is_trained_and_u_is_not():
    layer = dense()
    assert [variable.name for variable in layer.trainable_variables] == ["kernel"]
    assert [variable.name for variable in layer.non_trainable_variables] == ["u"]


def test_under_mixed_precision_sigma_is_computed_in_float32():
    inner = keras.layers.Dense(5, use_bias=False, dtype="mixed_bfloat16")
    layer, x = layers.SpectralNormalization(inner), np.eye(7, dtype="float32")
    network = keras.Sequential([keras.Input((7,)), layer])
    expected = numbers(inner.kernel) * np.float32(1e3)
    inner.kernel.assign(expected)
    y = network(x, training=True)
    assert layer.u.dtype == inner.kernel.dtype == "float32"
    assert keras.backend.standardize_dtype(y.dtype) == network.outputs[0].dtype == "bfloat16"
    np.testing.assert_array_equal(numbers(inner.kernel), expected)
    u = numbers(layer.u)
    np.testing.assert_allclose(numbers(ops.cast(y, "float32")), expected / np.linalg.norm(expected @ u), rtol=0.01)


def test_a_kernel_of_zeros_stays_and_recovers():
    layer, x = dense(), np.ones((1, 7), "float32")
    kernel = numbers(layer.layer.kernel)
    layer.layer.kernel.assign(np.zeros_like(kernel))
    np.testing.assert_array_equal(numbers(layer(x, training=True)), np.zeros((1, 5)))
    layer.layer.kernel.assign(kernel)
    for _ in range(60):
        y = numbers(layer(x, training=True))
    np.testing.assert_allclose(y, x @ kernel / np.linalg.svd(kernel, compute_uv=False)[0], rtol=1e-3, atol=1e-4)


def test_what_can_not_be_normalized_is_refused():
    with pytest.raises(ValueError, match=r"`kernel` or `embeddings`. Received: layer=<ReLU"):
        layers.SpectralNormalization(keras.layers.ReLU()).build((None, 3))
    with pytest.raises(ValueError, match="Received: iterations=0"):
        layers.SpectralNormalization(keras.layers.Dense(3), iterations=0)


def test_a_copy_from_its_configuration_is_the_same():
    layer = layers.SpectralNormalization(keras.layers.Dense(3), iterations=4, name="normalized")
    copy = layers.SpectralNormalization.from_config(layer.get_config())
    assert (copy.layer.units, copy.iterations, copy.name) == (3, 4, "normalized")
