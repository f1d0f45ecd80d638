"""What a model computes in, and what stays as it is whatever that may be."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
from keras import ops

import zoo_core
from zoo_core.data import Dataset, Feeder
from zoo_core.errors import UsageError
from zoo_core.options import resolve
from zoo_core.training.backends import backend
from zoo_core.training.build import build
from zoo_core.training.engine import Engine
from zoo_core.training.options import TrainingOptions
from zoo_core.training.precision import computing_in

MakeEngine = Callable[..., Engine]
MODELS = sorted(name for name, model in zoo_core.registry().models.items() if "generate" in model.spec.tasks)
SMALL = {"width": 4, "latent": 4}


def losses(engine: Engine, data: Dataset, steps: int) -> dict[str, np.ndarray]:
    """By phase, of each step."""
    feeder = Feeder(data, "train", 8 * engine.batches_per_step, 0)
    rows = [engine.step(step, feeder.batch(step)) for step in range(steps)]
    names = [name for name in rows[0] if name.endswith("/loss")]
    return {name: np.array([float(backend().to_numpy(row[name])) for row in rows]) for name in names}


def changed(before: dict[str, np.ndarray], after: dict[str, np.ndarray], prefix: str) -> set[str]:
    return {name for name in before if name.startswith(prefix) and not np.array_equal(before[name], after[name])}


@pytest.mark.parametrize("model", MODELS)
def test_in_bfloat16_losses_are_near_those_of_float32_and_weights_stay_float32(model: str, data: Dataset):
    registered = zoo_core.registry().model(model)
    options = registered.load()[1]
    small = {name: value for name, value in SMALL.items() if name in options.model_fields}
    found, trained = {}, {}
    for precision in ("float32", "bfloat16"):
        with computing_in(precision):
            built = build(registered, resolve(options, small, model), data.spec, seed=0)
            assert {network.compute_dtype for network in built.networks.values()} == {precision}
            engine = Engine(built.model, built.networks, 0, TrainingOptions(precision=precision))
            before = engine.snapshot()
            found[precision] = losses(engine, data, 5)
            after = trained[precision] = engine.snapshot()
        assert {array.dtype.name for array in after.values() if array.dtype.kind == "f"} == {"float32"}
        assert all(np.isfinite(array).all() for array in after.values())
        assert all(changed(before, after, f"networks/{network}/trainable/") for network in built.networks)
    for name, expected in found["float32"].items():
        np.testing.assert_allclose(found["bfloat16"][name], expected, rtol=0.05, err_msg=name)
    assert changed(trained["float32"], trained["bfloat16"], "networks/")


def test_losses_see_float32(make_engine: MakeEngine, data: Dataset):
    with computing_in("bfloat16"):
        engine = make_engine()
        logs = engine.step(0, Feeder(data, "train", 8, 0).batch(0))
    assert {keras.backend.standardize_dtype(value.dtype) for value in logs.values()} == {"float32"}


needs_float16 = pytest.mark.skipif("float16" not in backend().precisions, reason="on torch its scaling can't be traced")


@needs_float16
def test_float16_trains_with_scaled_losses(make_engine: MakeEngine, data: Dataset):
    single, half = make_engine(), None
    with computing_in("float16"):
        half = make_engine(training={"precision": "float16"})
        before = half.snapshot()
        found = losses(half, data, 5)
    after, expected = half.snapshot(), losses(single, data, 5)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=0.02, atol=0.01)
    assert {array.dtype.name for array in after.values() if array.dtype.kind == "f"} == {"float32"}
    assert changed(before, after, "networks/critic/trainable")
    assert changed(before, after, "networks/generator/trainable")


@needs_float16
def test_an_update_that_overflows_float16_is_left_out_and_the_scale_halved(make_engine: MakeEngine, data: Dataset):
    with computing_in("float16"):
        engine = make_engine(training={"precision": "float16"})
        state = engine.snapshot()
        (scale,) = [
            name
            for name in state
            if name.startswith("optimizers/critic/") and state[name].size == 1 and state[name] == 2**15
        ]
        huge = np.array(2.0**100, "float32")
        engine.restore(state | {scale: huge})
        losses(engine, data, 1)
    after = engine.snapshot()
    assert not changed(state, after, "networks/critic/trainable")
    assert changed(state, after, "networks/generator/trainable")
    assert after[scale] == huge / 2


def test_what_a_backend_does_not_train_in_is_a_usage_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(backend()), "precisions", ("float32", "float64"))
    with (
        pytest.raises(UsageError, match=r"trains in float32, float64, received 'float16'"),
        computing_in("float16"),
    ):
        pass


def test_float64_is_float64_throughout(make_engine: MakeEngine, data: Dataset):
    with computing_in("float64"):
        engine = make_engine()
        logs = engine.step(0, Feeder(data, "train", 8, 0).batch(0))
        assert {keras.backend.standardize_dtype(value.dtype) for value in logs.values()} == {"float64"}
    assert {array.dtype.name for array in engine.snapshot().values() if array.dtype.kind == "f"} == {"float64"}


def test_means_and_batch_statistics_of_float64_are_not_rounded():
    """Differences of which float32 rounds off a hundredth; from much smaller ones Keras on torch has no variance, which
    there is the mean of squares less the square of the mean."""
    x = 1.0 + 1e-5 * np.random.default_rng(0).normal(size=(64, 3))
    with computing_in("float64"):
        mean = backend().to_numpy(ops.mean(ops.convert_to_tensor(x), axis=0))
        layer = keras.layers.BatchNormalization(epsilon=1e-30, momentum=0.0)
        normalized = backend().to_numpy(layer(ops.convert_to_tensor(x), training=True))
    np.testing.assert_allclose(mean, x.mean(0), rtol=1e-14)
    np.testing.assert_allclose(normalized, (x - x.mean(0)) / x.std(0), rtol=1e-4, atol=1e-4)


def test_the_scope_ends_as_it_began():
    before = keras.config.dtype_policy(), keras.config.floatx(), keras.backend.result_type("float64", "float32")
    for precision in backend().precisions:
        with pytest.raises(KeyError), computing_in(precision):
            raise KeyError
        after = keras.config.dtype_policy(), keras.config.floatx(), keras.backend.result_type("float64", "float32")
        assert after == before
        assert ops.ones(()).dtype == ops.convert_to_tensor(np.ones((), "float32")).dtype
