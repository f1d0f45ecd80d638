"""To be installed is to be tested: what holds for every model of every plugin."""

from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo_core
from zoo_core.data import Dataset, Feeder, Split
from zoo_core.data.degradation import Degradation
from zoo_core.testing import build_model
from zoo_core.training.engine import Engine

MODELS = sorted(zoo_core.registry().models)
FOUNDING_AND_OTHERS = [
    pytest.param(model, marks=() if model in ("cgan", "dcgan", "vae") else pytest.mark.slow) for model in MODELS
]
TRANSLATES = {model for model in MODELS if zoo_core.registry().model(model).spec.translates}
SHAPES = [(28, 28, 1), (32, 32, 3), (48, 32, 3), (128, 128, 3), (30, 41, 1)]


def random_data(model: str, shape: tuple[int, int, int], labelled: bool = True) -> Dataset:
    """Of this shape, with inputs where the model needs them."""
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        labels = rng.integers(0, 3, count, dtype="int32") if labelled else None
        return Split(rng.integers(0, 256, (count, *shape), "uint8"), labels)

    splits = {"train": split(8), "validation": split(2), "test": split(4)}
    dataset = Dataset("random", splits, ("a", "b", "c") if labelled else ())
    return dataset.degraded(Degradation("noise", 25)) if model in TRANSLATES else dataset


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="only JAX traces without compiling")
@pytest.mark.parametrize("model", FOUNDING_AND_OTHERS)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
def test_a_training_step_can_be_traced_at_every_shape(model: str, shape: tuple[int, int, int]):
    """Every operation of a step with its shapes, without the minutes that compiling all of them would take."""
    import jax

    data = random_data(model, shape)
    built = build_model(model, data.spec, width=2)
    engine = Engine(built.model, built.networks, seed=0)
    batch = Feeder(data, "train", 4 * engine.batches_per_step, 0).batch(0)
    active = (True,) * len(built.model.phases())
    state, logs = jax.eval_shape(partial(engine._step, active=active), engine.state, {}, batch)
    assert {name: (a.shape, a.dtype) for name, a in state.items()} == {
        name: (a.shape, a.dtype) for name, a in engine.state.items()
    }
    assert all(value.shape == () for value in logs.values())


@pytest.mark.parametrize("model", FOUNDING_AND_OTHERS)
def test_trains_and_does_what_its_tasks_say(model: str, tmp_path: Path):
    data = random_data(model, (20, 16, 3))
    run = zoo_core.train(model, data, tmp_path / "run", options={"width": 2}, training={"steps": 2, "batch_size": 4})
    sampler = zoo_core.Sampler.load(run.path)
    if sampler.spec.translates:
        inputs = data.inputs("test")
        assert inputs is not None
        images = sampler.transform(inputs[:2], 0)
    else:
        images = sampler.generate(2, 0, np.array([0, 2]) if sampler.spec.conditional else None)
    assert images.shape == (2, 20, 16, 3)
    assert images.dtype == np.uint8
    if sampler.spec.reconstructs:
        held_out = data.images("test")
        assert sampler.reconstruct(held_out).shape == held_out.shape
    assert run.description().environment["backend"] == keras.backend.backend()
    assert (run.samples / "final.png").is_file()


@pytest.mark.parametrize(
    "model", [m for m in FOUNDING_AND_OTHERS if "likelihood" in zoo_core.registry().model(m.values[0]).spec.tasks]
)
def test_a_likelihood_belongs_to_its_image(model: str, tmp_path: Path):
    data = random_data(model, (12, 8, 3))
    run = zoo_core.train(model, data, tmp_path / "run", options={"width": 2}, training={"steps": 2, "batch_size": 4})
    sampler, images = zoo_core.Sampler.load(run.path), data.images("train")
    assert sampler.likelihood is not None
    whole = sampler.log_likelihood(images, seed=1)
    assert whole.shape == (8,)
    np.testing.assert_allclose(sampler.log_likelihood(images[5:], seed=1, first=5, batch=2), whole[5:], rtol=1e-5)


@pytest.mark.parametrize("model", ["cgan", "dcgan", "pix2pix", "pixelrnn", "srgan", "vae", "wgan-gp"])
def test_a_shape_that_is_too_small_is_refused_before_anything_is_written(model: str, tmp_path: Path):
    with pytest.raises(zoo_core.UnsupportedShape, match="received 4x4 with 1"):
        zoo_core.train(model, random_data(model, (4, 4, 1)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", [m for m in MODELS if zoo_core.registry().model(m).spec.conditional])
def test_labels_are_needed_where_the_spec_says_so(model: str, tmp_path: Path):
    data = random_data(model, (16, 16, 1), labelled=False)
    with pytest.raises(zoo_core.UsageError, match=f"Model '{model}' needs labels, and 'random' has none"):
        zoo_core.train(model, data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("model", sorted(TRANSLATES))
def test_inputs_are_needed_where_images_are_made_from_them(model: str, tmp_path: Path):
    data = random_data("any other", (16, 16, 1))
    with pytest.raises(zoo_core.UsageError, match=f"'{model}' makes images from inputs, and 'random' has none"):
        zoo_core.train(model, data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize("model", MODELS)
def test_trains_on_real_mnist(model: str, shared_data: Path, tmp_path: Path):
    run = zoo_core.train(
        model,
        "mnist~noise25" if model in TRANSLATES else "mnist",
        tmp_path / "run",
        options={"width": 4},
        training={"steps": 60},
        data_dir=shared_data,
    )
    lines = run.metrics()
    assert lines[-1]["step"] == 60
    assert all(np.isfinite(value) for line in lines for value in line.values())
