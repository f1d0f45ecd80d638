"""One step: who changes, what is drawn, what is averaged."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from zoo_core.data import Dataset, Feeder
from zoo_core.errors import UsageError
from zoo_core.models.pixels import from_uint8
from zoo_core.training.backends import backend
from zoo_core.training.engine import Engine
from zoo_core.training.tools import SamplingTools, TrainingTools

MakeEngine = Callable[..., Engine]


def copy(engine: Engine) -> dict[str, np.ndarray]:
    return engine.snapshot()


def changed(before: dict, after: dict, prefix: str) -> set[str]:
    return {name for name in before if name.startswith(prefix) and not np.array_equal(before[name], after[name])}


def test_a_phase_changes_only_what_it_trains(make_engine: MakeEngine, data: Dataset):
    engine = make_engine(generator_every=2)
    feeder = Feeder(data, "train", 8, 0)
    engine.step(0, feeder.batch(0))
    before = copy(engine)
    logs = engine.step(1, feeder.batch(1))  # the generator's phase rests in odd steps
    after = copy(engine)
    assert "generator/loss" not in logs
    assert changed(before, after, "networks/critic/trainable")
    assert not changed(before, after, "networks/generator/trainable")
    assert not changed(before, after, "optimizers/generator")
    assert changed(before, after, "networks/generator/other")  # batch statistics follow every forward pass


def test_each_repeat_sees_a_batch_of_its_own(make_engine: MakeEngine, data: Dataset):
    engine = make_engine(critic_repeat=3)
    assert engine.batches_per_step == 3
    batch = Feeder(data, "train", 24, 0).batch(0)
    logs = engine.step(0, batch)
    last_part = from_uint8(batch["images"][16:24]).mean()
    assert float(logs["critic/mean_image"]) == pytest.approx(last_part, abs=1e-6)


def test_same_seed_same_bits_other_seed_other_result(make_engine: MakeEngine, data: Dataset):
    feeder = Feeder(data, "train", 8, 0)
    states = []
    for seed in (1, 1, 2):
        engine = make_engine(seed=seed)
        for step in range(3):
            engine.step(step, feeder.batch(step))
        states.append(copy(engine))
    assert not changed(states[0], states[1], "")
    assert changed(states[0], states[2], "networks/critic/trainable")


def test_the_average_is_the_exponential_moving_average_with_warm_up(make_engine: MakeEngine, data: Dataset):
    engine = make_engine(ema=0.5)
    name = "networks/generator/trainable/000.kernel"
    average = np.array(engine.state[name])
    for step in range(12):
        engine.step(step, Feeder(data, "train", 8, 0).batch(step))
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * np.array(engine.state[name])
    np.testing.assert_allclose(engine.average([])[name], average, rtol=1e-5)


def test_without_ema_the_weights_are_the_last_ones(make_engine: MakeEngine, data: Dataset):
    engine = make_engine(ema=0.0)
    engine.step(0, Feeder(data, "train", 8, 0).batch(0))
    name = "networks/generator/trainable/000.kernel"
    np.testing.assert_array_equal(engine.average([])[name], engine.state[name])


def test_only_networks_used_after_training_are_averaged_and_kept(make_engine: MakeEngine):
    weights = make_engine().average([])
    assert {name.split("/")[1] for name in weights} == {"generator"}


def test_batch_statistics_belong_to_the_averaged_weights(make_engine: MakeEngine, data: Dataset):
    """With the recomputed statistics the normalized activations have mean 0 and variance 1."""
    engine = make_engine(ema=0.5)
    feeder = Feeder(data, "train", 8, 0)
    for step in range(20):
        engine.step(step, feeder.batch(step))
    weights = engine.average([feeder.batch(i) for i in range(200)])
    kernel, bias = (weights[f"networks/generator/trainable/00{i}"] for i in ("0.kernel", "1.bias"))
    z = np.random.default_rng(1).normal(size=(100_000, 3))
    activations = z @ np.asarray(kernel) + np.asarray(bias)
    mean = weights["networks/generator/other/000.moving_mean"]
    variance = weights["networks/generator/other/001.moving_variance"]
    np.testing.assert_allclose(mean, activations.mean(0), atol=0.1)
    np.testing.assert_allclose(variance, activations.var(0), rtol=0.25)  # of batches of 8: 7/8 of it, and noise


def test_calls_of_a_step_draw_different_noise_and_the_same_again():
    def draw() -> list[np.ndarray]:
        tools = TrainingTools(backend(), jax.random.key(3), jnp.zeros((), "int32"))
        return [np.asarray(tools.normal((4,))), np.asarray(tools.normal((4,))), np.asarray(tools.uniform((4,), 7))]

    one, again = draw(), draw()
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one[0], one[1])


def test_noise_of_an_image_does_not_depend_on_its_batch():
    def draw(numbers: list[int], index: int | None = None) -> np.ndarray:
        tools = SamplingTools(backend(), jax.random.key(0), jnp.array(numbers))
        tools.uniform((len(numbers), 2))
        return np.asarray(tools.normal((len(numbers), 5), index))

    np.testing.assert_array_equal(draw([0, 1, 2, 3])[2:], draw([2, 3]))
    assert not np.array_equal(draw([1]), draw([2]))
    assert not np.array_equal(draw([1], 0), draw([1], 1))


def test_noise_has_the_promised_distribution():
    for tools in (
        TrainingTools(backend(), jax.random.key(0), jnp.zeros((), "int32")),
        SamplingTools(backend(), jax.random.key(0), jnp.arange(1000)),
    ):
        normal, uniform = np.asarray(tools.normal((1000, 50))), np.asarray(tools.uniform((1000, 50)))
        integers = np.asarray(tools.randint((1000, 50), 3))
        assert normal.mean() == pytest.approx(0, abs=0.02)
        assert normal.std() == pytest.approx(1, abs=0.02)
        assert uniform.min() >= 0
        assert uniform.max() < 1
        assert set(np.unique(integers)) == {0, 1, 2}


def test_sampling_noise_wants_the_image_as_axis_0():
    with pytest.raises(ValueError, match="axis 0 of noise is the image: expected 2"):
        SamplingTools(backend(), jax.random.key(0), jnp.arange(2)).normal((3, 5))


def test_grad_can_be_differentiated_again():
    tools = TrainingTools(backend(), jax.random.key(0), jnp.zeros((), "int32"))
    x = jnp.array([1.0, 2.0])
    np.testing.assert_allclose(tools.grad(lambda x: (x**3).sum())(x), 3 * x**2)
    np.testing.assert_allclose(tools.grad(lambda x: tools.grad(lambda y: (y**3).sum())(x).sum())(x), 6 * x)


def test_a_device_that_is_not_there_is_a_usage_error():
    assert backend().select_device("cpu").platform == "cpu"
    with pytest.raises(UsageError, match="JAX sees no device 'gpu', only: cpu"):
        backend().select_device("gpu")
