"""The fast layers have Keras' weights, results and gradients."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from keras import ops

from zoo_core.models import layers
from zoo_core.models.layers import winograd
from zoo_core.training.backends import backend
from zoo_core.training.backends.base import LossOf

on_jax = pytest.mark.skipif(keras.backend.backend() != "jax", reason="of the forms for JAX")

NAMES = ["Conv2D", "Conv2DTranspose"]
# Few channels take the matrix product; 16 and more, in and out, Winograd's form.
SHAPES = [((8, 8, 3), 5), ((7, 14, 2), 5), ((1, 3, 5), 5), ((8, 12, 16), 16), ((7, 5, 16), 32), ((1, 2, 32), 16)]


def pair(name: str, shape: tuple, filters: int, dtype: str = "float32", **settings) -> tuple:
    """Our layer and Keras' with the same weights, and inputs (3, *shape)."""
    rng = np.random.default_rng(0)
    settings = {"kernel_size": 4, "strides": 2, "padding": "same", "activation": "tanh", "dtype": dtype} | settings
    ours, stock = (getattr(module, name)(filters, **settings) for module in (layers, keras.layers))
    for layer in (ours, stock):
        layer.build((None, *shape))
    weights = [rng.normal(0, 0.2, size=weight.shape) for weight in stock.weights]
    ours.set_weights(weights), stock.set_weights(weights)
    return ours, stock, rng.normal(size=(3, *shape)).astype(ours.variable_dtype)


def to_numpy(tensor: object) -> np.ndarray:
    return backend().to_numpy(tensor)


def call(layer: keras.layers.Layer, weights: list, x: jax.Array) -> jax.Array:
    with keras.StatelessScope(zip(layer.trainable_weights, weights, strict=True)):
        return layer(x)


def weights_of(layer: keras.layers.Layer) -> list:
    return [weight.value for weight in layer.trainable_weights]


def assert_close(ours: list, stock: list, tolerance: float) -> None:
    """Each array to that share of its largest value."""
    for one, other in zip(keras.tree.flatten(ours), keras.tree.flatten(stock), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


@pytest.fixture
def float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@pytest.mark.skipif(keras.backend.backend() == "tensorflow", reason="the layers are those of Keras")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("shape", "filters"), SHAPES, ids=str)
def test_results_and_gradients_are_those_of_keras(name: str, shape: tuple, filters: int):
    ours, stock, x = pair(name, shape, filters, use_bias=filters != 32)

    def loss_of(layer: keras.layers.Layer) -> LossOf:
        def loss(arrays: dict) -> tuple:
            with keras.StatelessScope([(weight, arrays[weight.name]) for weight in layer.trainable_weights]):
                y = layer(arrays["x"])
            return ops.sum(ops.sin(y) * ops.arange(filters, dtype="float32")), y

        return loss

    found = []
    for layer in (ours, stock):
        arrays = {"x": ops.convert_to_tensor(x)} | {weight.name: weight.value for weight in layer.trainable_weights}
        found.append(backend().compile(partial(backend().value_and_grad, loss_of(layer)))(arrays))
    one, other = (keras.tree.map_structure(to_numpy, results) for results in found)
    assert_close(one, other, tolerance=1e-5)


@on_jax
@pytest.mark.parametrize("shape", [(8, 12, 16), (7, 5, 16)], ids=str)
@pytest.mark.usefixtures("float64")
def test_second_derivatives_are_those_of_keras(shape: tuple):
    """The gradient, with respect to weights, of a gradient's norm, as a gradient penalty needs it."""
    down = pair("Conv2D", shape, 32, "float64")
    up = pair("Conv2DTranspose", (4, 6, 32), 16, "float64")

    @jax.jit
    def gradients(weights: list, x: jax.Array) -> list:
        def penalty(i: int, weights: list) -> jax.Array:
            def critic(x: jax.Array) -> jax.Array:
                return jnp.sum(jnp.sin(call(up[i], weights[1], call(down[i], weights[0], x))))

            return jnp.sum(jnp.square(jax.grad(critic)(x)))

        return [jax.grad(penalty, 1)(i, weights) for i in (0, 1)]

    assert_close(*gradients([weights_of(down[1]), weights_of(up[1])], down[2]), tolerance=1e-12)


@on_jax
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_as_exact_as_in_keras(name: str):
    ours, stock, x = pair(name, (8, 8, 32), 32, activation=None)
    expected = np.asarray(stock(x))
    ours, stock, x = pair(name, (8, 8, 32), 32, "mixed_bfloat16", activation=None)
    assert ours(x).dtype == stock(x).dtype == "bfloat16"
    errors = [np.abs(np.asarray(layer(x), "float32") - expected).mean() for layer in (ours, stock)]
    assert errors[0] < 1.5 * errors[1]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "settings",
    [{"kernel_size": 5}, {"padding": "valid"}, {"strides": 1}, {"strides": 1, "dilation_rate": 2}],
    ids=str,
)
def test_other_settings_are_left_to_keras(name: str, settings: dict):
    ours, stock, x = pair(name, (8, 8, 16), 16, **settings)
    np.testing.assert_array_equal(to_numpy(ours(x)), to_numpy(stock(x)))


def test_groups_and_output_padding_are_left_to_keras():
    for name, settings in (("Conv2D", {"groups": 2}), ("Conv2DTranspose", {"output_padding": 1})):
        ours, stock, x = pair(name, (8, 8, 16), 16, **settings)
        np.testing.assert_array_equal(to_numpy(ours(x)), to_numpy(stock(x)))


@on_jax
@pytest.mark.parametrize("name", NAMES)
def test_other_devices_are_left_to_keras(name: str, monkeypatch: pytest.MonkeyPatch):
    ours, stock, x = pair(name, (8, 8, 16), 16)
    assert not np.array_equal(ours(x), stock(x))
    monkeypatch.setattr(winograd, "on_cpu", lambda: False)
    np.testing.assert_array_equal(ours(x), stock(x))


@on_jax
def test_the_device_is_the_one_in_use():
    assert winograd.on_cpu()
    with jax.default_device("cpu"):
        assert winograd.on_cpu()
    with jax.default_device(jax.devices("cpu")[0]):
        assert winograd.on_cpu()


@pytest.mark.parametrize("name", NAMES)
def test_symbolic_inputs_are_taken(name: str):
    ours, stock, _ = pair(name, (8, 8, 16), 16)
    for inputs in (keras.Input((8, 8, 16)), keras.Input((None, None, 16))):
        assert ours(inputs).shape == ours.call(inputs).shape == stock(inputs).shape


@on_jax
def test_without_the_experimental_part_of_jax_the_results_are_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "jax.experimental.xla_metadata", None)
    spec = importlib.util.spec_from_file_location("winograd_alone", winograd.__file__)
    alone = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(alone)
    ours, _, x = pair("Conv2D", (8, 8, 16), 16)
    kernel = ours.kernel.value
    np.testing.assert_allclose(alone.conv(x, kernel), winograd.conv(x, kernel), rtol=1e-5, atol=1e-5)


SHARDED = """
import jax
import keras
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from zoo_core.models import layers

network = keras.Sequential([
    keras.Input((7, 8, 32)), layers.Conv2D(16, 4, 2, "same"), layers.Conv2DTranspose(32, 4, 2, "same")
])
variables = network.trainable_variables

@jax.jit
def gradients(weights, x):
    def loss(weights, x):
        with keras.StatelessScope(zip(variables, weights)):
            return jax.numpy.mean(jax.numpy.sin(network(x)))
    return jax.value_and_grad(loss, (0, 1))(weights, x)

weights = [variable.value for variable in variables]
x = np.random.default_rng(0).normal(size=(6, 7, 8, 32)).astype("float32")
single = gradients(weights, x)
mesh = jax.make_mesh((2,), ("batch",), axis_types=(AxisType.Auto,))
everywhere, divided = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("batch"))
parallel = gradients(jax.device_put(weights, everywhere), jax.device_put(x, divided))
jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), single, parallel)
assert parallel[1][1].sharding.is_equivalent_to(divided, 4)
"""


@on_jax
@pytest.mark.slow
def test_two_devices_compute_what_one_does():
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "KERAS_BACKEND": "jax"}
    run = subprocess.run([sys.executable, "-c", SHARDED], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
