"""What the training options make of a model's optimizers."""

import math
from collections.abc import Callable

import keras
import numpy as np
import pytest

from zoo_core.data import Dataset, Feeder
from zoo_core.errors import UsageError
from zoo_core.models import Phase
from zoo_core.training.backends import backend
from zoo_core.training.engine import Engine
from zoo_core.training.optimizers import Schedule, equip
from zoo_core.training.options import TrainingOptions

MakeEngine = Callable[..., Engine]
PEAK = 0.5


def rates(schedule: Schedule, updates: int) -> np.ndarray:
    return np.array([float(backend().to_numpy(schedule(step))) for step in range(updates + 1)])


@pytest.mark.parametrize("warmup", [0, 4])
def test_schedules_have_their_closed_forms(warmup: int):
    updates = 20
    t = np.arange(updates + 1)
    rise = np.minimum(1, (t + 1) / (warmup + 1))
    done = np.clip((t - warmup) / (updates - warmup), 0, 1)
    expected = {"constant": 1 + 0 * t, "linear": 1 - done, "cosine": (1 + np.cos(math.pi * done)) / 2}
    for shape, decay in expected.items():
        found = rates(Schedule(PEAK, shape, warmup, updates), updates)
        np.testing.assert_allclose(found, PEAK * rise * decay, atol=1e-7)
        assert found.max() == pytest.approx(PEAK)
        assert found.argmax() == warmup
        assert (found[0] < PEAK) == (warmup > 0)
        assert (found[-1] == pytest.approx(0, abs=1e-7)) == (shape != "constant")


def test_a_schedule_survives_its_configuration():
    schedule = Schedule(PEAK, "cosine", 3, 9)
    again = Schedule.from_config(schedule.get_config())
    np.testing.assert_array_equal(rates(again, 9), rates(schedule, 9))


def phase(optimizer: keras.optimizers.Optimizer, **settings: int) -> Phase:
    return Phase("critic", lambda nets, batch, tools: (0.0, {}), ("critic",), optimizer, **settings)


@pytest.mark.parametrize(
    ("settings", "updates", "warmup"), [({}, 100, 48), ({"repeat": 5}, 500, 240), ({"every": 16}, 7, 3)]
)
def test_the_steps_of_the_options_are_counted_in_updates_of_the_phase(settings: dict, updates: int, warmup: int):
    options = TrainingOptions(steps=100, warmup=48, schedule="linear")
    schedule = equip(phase(keras.optimizers.SGD(PEAK), **settings), options).optimizer._learning_rate
    assert (schedule.updates, schedule.warmup) == (updates, warmup)
    assert schedule.peak == pytest.approx(PEAK)


def test_a_schedule_of_the_model_s_own_is_not_replaced():
    own = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    kept = equip(phase(keras.optimizers.SGD(own)), TrainingOptions())
    assert kept.optimizer._learning_rate is own
    with pytest.raises(UsageError, match="Phase 'critic' has a learning-rate schedule of its own"):
        equip(phase(keras.optimizers.SGD(own)), TrainingOptions(schedule="linear"))


def updates_of(engine: Engine, data: Dataset, step: int = 0) -> dict[str, np.ndarray]:
    """What one step adds to the weights of each network, as one vector."""
    before = engine.snapshot()
    engine.step(step, Feeder(data, "train", 8, 0).batch(step))
    after = engine.snapshot()
    return {
        network: np.concatenate(
            [(after[n] - before[n]).ravel() for n in before if n.startswith(f"networks/{network}/trainable/")]
        )
        for network in ("critic", "generator")
    }


SGD = {"optimizer": keras.optimizers.SGD, "normalize": False}  # whose updates are the gradients times 1e-3


@pytest.mark.parametrize("own", [{"clipnorm": 5.0}, {"clipvalue": 0.5}, {"global_clipnorm": 2.0}])
def test_clipping_of_the_model_s_own_is_not_replaced(own: dict[str, float]):
    optimizer = keras.optimizers.Adam(0.1, **own)
    assert equip(phase(optimizer), TrainingOptions()).optimizer is optimizer
    with pytest.raises(UsageError, match=r"Phase 'critic' clips its gradients itself \(.*\), so clip_norm"):
        equip(phase(optimizer), TrainingOptions(clip_norm=1.0))


def test_warm_up_scales_the_updates(make_engine: MakeEngine, data: Dataset):
    plain = updates_of(make_engine(**SGD), data)["critic"]
    engine = make_engine(**SGD, training={"warmup": 3, "steps": 10})
    np.testing.assert_allclose(updates_of(engine, data)["critic"], plain / 4, rtol=1e-3, atol=2e-8)  # float32 sums
    assert np.linalg.norm(updates_of(engine, data, step=1)["critic"]) > np.linalg.norm(plain) / 3


def test_a_linear_schedule_ends_at_zero(make_engine: MakeEngine, data: Dataset):
    engine, plain = make_engine(**SGD, training={"schedule": "linear", "steps": 2}), make_engine(**SGD)
    for step, part in enumerate((1, 0.5)):  # the first update is the same, and so are the weights before the second
        found, expected = (updates_of(each, data, step)["critic"] for each in (engine, plain))
        np.testing.assert_allclose(found, part * expected, rtol=1e-3, atol=2e-8)  # float32 sums
    assert not updates_of(engine, data, step=2)["critic"].any()


def test_a_gradient_s_norm_is_limited_and_its_direction_kept(make_engine: MakeEngine, data: Dataset):
    plain = updates_of(make_engine(**SGD), data)["critic"]
    norm = np.linalg.norm(plain) / 1e-3
    for limit in (norm / 10, 10 * norm):
        clipped = updates_of(make_engine(**SGD, training={"clip_norm": limit}), data)["critic"]
        np.testing.assert_allclose(clipped, plain * min(1, limit / norm), rtol=1e-3, atol=2e-8)


def test_the_limit_is_of_each_phase_s_whole_gradient(make_engine: MakeEngine, data: Dataset):
    """Not of each weight's, and not of both networks' together."""
    found = updates_of(make_engine(**SGD, training={"clip_norm": 0.001}), data)
    assert np.linalg.norm(found["critic"]) == pytest.approx(1e-6, rel=0.01)
    assert np.linalg.norm(found["generator"]) == pytest.approx(1e-6, rel=0.01)


@pytest.mark.parametrize("name", ["Adadelta", "SGD"])
def test_an_optimizer_trains_that_has_an_update_of_its_own_on_torch(name: str, make_engine: MakeEngine, data: Dataset):
    """It makes a Python number of the learning rate, which can't be traced."""
    engine = make_engine(optimizer=getattr(keras.optimizers, name), ema=0.0)
    before, feeder = engine.snapshot(), Feeder(data, "train", 8, 0)
    for step in range(2):
        engine.step(step, feeder.batch(step))
    after = engine.snapshot()
    kernels = [key for key in before if key.startswith("networks/") and key.endswith(".kernel")]
    assert all(np.isfinite(after[key]).all() and not np.array_equal(after[key], before[key]) for key in kernels)
