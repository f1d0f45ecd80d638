"""One step: who changes, what is averaged, and that no way of running it changes its numbers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np
import pytest
from keras import ops

import zoo_core
from zoo_core.data import Dataset, Feeder, Split
from zoo_core.models import Batch, GenerativeModel, Networks, Tensor, Tools
from zoo_core.models.pixels import from_uint8
from zoo_core.training.backends import backend
from zoo_core.training.build import build
from zoo_core.training.engine import Engine
from zoo_core.training.options import TrainingOptions
from zoo_core.training.precision import computing_in

MakeEngine = Callable[..., Engine]
STEPS = 20
COUNTS = (("train", 40), ("validation", 8), ("test", 8))  # of the images of `data`


def changed(before: dict, after: dict, prefix: str = "") -> set[str]:
    return {name for name in before if name.startswith(prefix) and not np.array_equal(before[name], after[name])}


def to_floats(logs: dict[str, Tensor]) -> dict[str, float]:
    return {name: float(backend().to_numpy(value)) for name, value in logs.items()}


def train(engine: Engine, feeder: Feeder, steps: int) -> list[dict[str, float]]:
    """What `steps` steps log, one after another."""
    return [to_floats(engine.step(step, feeder.batch(step))) for step in range(steps)]


def assert_same_logs(found: list[dict[str, float]], expected: list[dict[str, float]], relative: float) -> None:
    """Losses near zero are compared with the scale of their own history."""
    assert [row.keys() for row in found] == [row.keys() for row in expected]
    for name in {name for row in expected for name in row}:
        series = [np.array([row[name] for row in rows if name in row]) for rows in (found, expected)]
        np.testing.assert_allclose(*series, rtol=relative, atol=relative * np.abs(series[1]).max(), err_msg=name)


def assert_same_state(engine: Engine, other: Engine, relative: float) -> None:
    found, expected = engine.snapshot(), other.snapshot()
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        # A bias before batch normalization has a gradient of zero, and so of nothing but rounding.
        scale = np.abs(array).max(initial=0) + 1e-6
        np.testing.assert_allclose(found[name], array, rtol=relative, atol=relative * scale, err_msg=name)


def test_a_phase_changes_only_what_it_trains(make_engine: MakeEngine, data: Dataset):
    engine = make_engine(generator_every=2)
    feeder = Feeder(data, "train", 8, 0)
    engine.step(0, feeder.batch(0))
    before = engine.snapshot()
    logs = engine.step(1, feeder.batch(1))  # the generator's phase rests in odd steps
    after = engine.snapshot()
    assert "generator/loss" not in logs
    assert changed(before, after, "networks/critic/trainable")
    assert not changed(before, after, "networks/generator/trainable")
    assert not changed(before, after, "optimizers/generator")
    assert changed(before, after, "networks/generator/other")  # batch statistics follow every forward pass


def test_each_repeat_sees_a_batch_of_its_own(make_engine: MakeEngine, data: Dataset):
    engine = make_engine(critic_repeat=3)
    assert engine.batches_per_step == 3
    batch = Feeder(data, "train", 24, 0).batch(0)
    logs = to_floats(engine.step(0, batch))
    last_part = from_uint8(batch["images"][16:24]).mean()
    assert logs["critic/mean_image"] == pytest.approx(last_part, abs=1e-6)


@pytest.mark.parametrize("resident", [False, True])
def test_inputs_are_scaled_as_images_are(make_engine: MakeEngine, data: Dataset, resident: bool):
    pixels = {split: np.random.default_rng(1).integers(0, 256, (count, 4, 6, 3), "uint8") for split, count in COUNTS}
    splits = {split: Split(data.images(split), data.labels(split)) for split in pixels}
    feeder = Feeder(Dataset("pairs", splits, data.classes, inputs=pixels), "train", 8, 0)

    def loss(model: GenerativeModel, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        assert batch["inputs"].shape == (8, 4, 6, 3)
        score = ops.mean(nets["critic"](batch["images"], training=True))
        return score, {name: ops.sum(batch[name] ** 2) for name in ("images", "inputs")}

    engine = make_engine(critic_loss=loss, resident=feeder.arrays if resident else None)
    for step in range(2):
        batch = feeder.batch(step)
        logs = engine.step(step, {"indices": feeder.indices(step).astype("int32")} if resident else batch)
        for name in ("images", "inputs"):
            expected = (from_uint8(batch[name]).astype(float) ** 2).sum()
            assert to_floats(logs)[f"critic/{name}"] == pytest.approx(expected, rel=1e-5)


def test_same_seed_same_bits_other_seed_other_result(make_engine: MakeEngine, data: Dataset):
    feeder = Feeder(data, "train", 8, 0)
    states = []
    for seed in (1, 1, 2):
        engine = make_engine(seed=seed)
        train(engine, feeder, 3)
        states.append(engine.snapshot())
    assert not changed(states[0], states[1])
    assert changed(states[0], states[2], "networks/critic/trainable")


def test_the_seed_of_the_noise_matters_too(make_engine: MakeEngine, data: Dataset):
    feeder = Feeder(data, "train", 8, 0)
    one, other = make_engine(seed=1), make_engine(seed=2)
    other.restore(one.snapshot())  # the same weights
    losses = [to_floats(engine.step(0, feeder.batch(0)))["critic/loss"] for engine in (one, other)]
    assert losses[0] != losses[1]


def test_a_snapshot_that_is_restored_goes_on_with_the_same_bits(make_engine: MakeEngine, data: Dataset):
    feeder = Feeder(data, "train", 8, 0)
    engine = make_engine()
    train(engine, feeder, 2)
    snapshot = engine.snapshot()
    assert engine.step_count == 2
    logs = to_floats(engine.step(2, feeder.batch(2)))
    assert changed(snapshot, engine.snapshot())
    for again in (engine, make_engine(seed=0)):
        again.restore(snapshot)
        assert again.step_count == 2
        assert not changed(snapshot, again.snapshot())
        assert to_floats(again.step(2, feeder.batch(2))) == logs


@contextmanager
def uncompiled(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A scope in which the engine's step runs operation by operation."""
    if backend().name == "jax":
        engine._compiled_step = engine._step
        yield
    elif backend().name == "torch":
        with monkeypatch.context() as patch:
            patch.setattr("zoo_core.training.backends.torch.trace", lambda step, *arguments: step)
            yield
    else:
        import tensorflow as tf

        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize(
    ("precision", "steps", "relative"),
    [pytest.param("float64", STEPS, 1e-6, marks=pytest.mark.slow), ("float32", 1, 1e-4)],
)
def test_compiled_equals_eager(
    make_engine: MakeEngine,
    data: Dataset,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    steps: int,
    relative: float,
):
    feeder = Feeder(data, "train", 16, 0)
    with computing_in(precision):
        compiled, eager = (make_engine(critic_repeat=2, generator_every=3) for _ in range(2))
        logs = train(compiled, feeder, steps)
        with uncompiled(eager, monkeypatch):
            assert_same_logs(train(eager, feeder, steps), logs, relative)
        if precision == "float64":
            assert_same_state(eager, compiled, relative)


@pytest.mark.parametrize(("precision", "steps", "relative"), [("float64", STEPS, 1e-6), ("float32", 3, 1e-4)])
def test_many_steps_in_one_dispatch_equal_single_ones(
    make_engine: MakeEngine, data: Dataset, precision: str, steps: int, relative: float
):
    """With phases that repeat and phases that rest: those that run change twice in every three steps."""
    feeder = Feeder(data, "train", 16, 0)
    batches = {name: array.reshape(steps, 16, *array.shape[1:]) for name, array in feeder.read(0, steps).items()}
    with computing_in(precision):
        single, many = (make_engine(critic_repeat=2, generator_every=3) for _ in range(2))
        expected = train(single, feeder, steps)
        logged = many.steps(0, steps, batches)
        rows = []
        for logs in logged:
            arrays = {name: np.atleast_1d(backend().to_numpy(value)) for name, value in logs.items()}
            rows += [dict(zip(arrays, values, strict=True)) for values in zip(*arrays.values(), strict=True)]
        assert_same_logs(rows, expected, relative)
        assert many.step_count == single.step_count == steps
        if precision == "float64":
            assert_same_state(many, single, relative)


def test_what_compiles_is_known_before(make_engine: MakeEngine, data: Dataset):
    engine, feeder = make_engine(generator_every=3), Feeder(data, "train", 16, 0)

    def run(step: int, count: int) -> bool:
        batches = {name: array.reshape(count, 16, *array.shape[1:]) for name, array in feeder.read(step, count).items()}
        compiles = engine.compiles(step, count)
        engine.steps(step, count, batches)
        return compiles

    if engine._compiled_steps is None:
        pytest.skip("steps are run at once on JAX alone")
    # The generator rests in two of three steps. From 3 on it runs once, then rests twice, as from 0 on.
    assert [run(0, 3), run(3, 3), run(6, 1), run(7, 1), run(9, 1), run(10, 1)] == [
        True,
        False,
        True,
        True,
        False,
        False,
    ]


def test_resident_data_gives_the_bits_of_fed_batches(make_engine: MakeEngine, data: Dataset):
    feeder = Feeder(data, "train", 8, 0)
    fed, resident = make_engine(), make_engine(resident=feeder.arrays)
    for step in range(3):
        indices = feeder.indices(step).astype("int32")
        logs = to_floats(resident.step(step, {"indices": indices}))
        assert logs == to_floats(fed.step(step, feeder.batch(step)))
    assert not changed(fed.snapshot(), resident.snapshot())
    averages = fed.average([feeder.batch(7)]), resident.average([{"indices": feeder.indices(7).astype("int32")}])
    fed_average, resident_average = (
        {name: backend().to_numpy(value) for name, value in average.items()} for average in averages
    )
    assert not changed(fed_average, resident_average)


def test_four_parts_of_16_equal_64_without_batch_statistics(make_engine: MakeEngine, data: Dataset):
    """Noise and augmentation included."""
    feeder = Feeder(data, "train", 64, 0)
    with computing_in("float64"):
        whole, parts = (
            make_engine(normalize=False, training={"batch_size": 64, "accumulate": count, "augment": ("cutout",)})
            for count in (1, 4)
        )
        assert_same_logs(train(parts, feeder, STEPS), train(whole, feeder, STEPS), 1e-6)
        assert_same_state(parts, whole, 1e-6)


def test_four_parts_of_16_equal_64_for_the_vae(data: Dataset):
    feeder = Feeder(data, "train", 64, 0)
    registered = zoo_core.registry().model("vae")
    logs = []
    with computing_in("float64"):
        for count in (1, 4):
            built = build(registered, registered.load()[1](width=2, latent=2), data.spec, seed=0)
            options = TrainingOptions(batch_size=64, accumulate=count)
            logs.append(train(Engine(built.model, built.networks, 0, options), feeder, STEPS))
    assert_same_logs(*logs, 1e-6)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="XLA tells how much memory a program takes")
def test_parts_take_the_memory_of_one_of_them(data: Dataset):
    registered = zoo_core.registry().model("vae")

    def intermediate(batch_size: int, accumulate: int) -> int:
        built = build(registered, registered.load()[1](width=8, latent=2), data.spec, seed=0)
        options = TrainingOptions(batch_size=batch_size, accumulate=accumulate)
        engine = Engine(built.model, built.networks, 0, options)
        batch = Feeder(data, "train", batch_size, 0).batch(0)
        lowered = engine._compiled_step.lower(engine.state, {}, engine._split(batch), engine._active(0))
        return lowered.compile().memory_analysis().temp_size_in_bytes

    assert intermediate(1024, accumulate=8) < 1.5 * intermediate(128, accumulate=1)


def test_the_average_is_the_exponential_moving_average_with_warm_up(make_engine: MakeEngine, data: Dataset):
    engine = make_engine(ema=0.5)
    name = "networks/generator/trainable/000.kernel"
    average = engine.snapshot()[name]
    for step in range(12):
        engine.step(step, Feeder(data, "train", 8, 0).batch(step))
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * engine.snapshot()[name]
    np.testing.assert_allclose(backend().to_numpy(engine.average([])[name]), average, rtol=1e-5)


def test_without_ema_the_weights_are_the_last_ones(make_engine: MakeEngine, data: Dataset):
    engine = make_engine(ema=0.0)
    engine.step(0, Feeder(data, "train", 8, 0).batch(0))
    name = "networks/generator/trainable/000.kernel"
    np.testing.assert_array_equal(backend().to_numpy(engine.average([])[name]), engine.snapshot()[name])


def test_only_networks_used_after_training_are_averaged_and_kept(make_engine: MakeEngine):
    weights = make_engine().average([])
    assert {name.split("/")[1] for name in weights} == {"generator"}


def test_batch_statistics_belong_to_the_averaged_weights(make_engine: MakeEngine, data: Dataset):
    """With the recomputed statistics the normalized activations have mean 0 and variance 1."""
    engine = make_engine(ema=0.5)
    feeder = Feeder(data, "train", 8, 0)
    train(engine, feeder, 20)
    before = engine.snapshot()
    averages = engine.average([feeder.batch(i) for i in range(200)])
    weights = {name: backend().to_numpy(value) for name, value in averages.items()}
    kernel, bias = (weights[f"networks/generator/trainable/00{i}"] for i in ("0.kernel", "1.bias"))
    z = np.random.default_rng(1).normal(size=(100_000, 3))
    activations = z @ kernel + bias
    mean = weights["networks/generator/other/000.moving_mean"]
    variance = weights["networks/generator/other/001.moving_variance"]
    np.testing.assert_allclose(mean, activations.mean(0), atol=0.1)
    np.testing.assert_allclose(variance, activations.var(0), rtol=0.25)  # of batches of 8: 7/8 of it, and noise
    assert not changed(before, engine.snapshot())  # to look does not change the training
