"""That probabilities are those of an image, value by value, and that what is drawn is drawn by them."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops
from zoo_pixelrnn.network import RowLSTMNetwork

import zoo_core
from zoo_core.data import Dataset, Feeder, load_dataset
from zoo_core.models.tasks import Likelihood
from zoo_core.sampling.inference import compile_inference
from zoo_core.specs import DataSpec, Field
from zoo_core.testing import build_model, loss_of
from zoo_core.training.backends import backend
from zoo_core.training.build import Built, build
from zoo_core.training.engine import Engine
from zoo_core.training.options import TrainingOptions
from zoo_core.training.tools import SamplingTools

SEED = 3
on_gray_and_color = pytest.mark.parametrize(
    ("shape", "pixels"), [((9, 8, 1), "binarized"), ((8, 10, 3), "levels")], ids=["gray", "color"]
)


def spec(shape: tuple[int, int, int]) -> DataSpec:
    fields = {"images": Field(shape, "float32")}
    return DataSpec(name="any", fields=fields, classes=(), splits={"train": 1}, content_hash="")


def make(data: DataSpec, **options) -> Built:
    """With weights that are large enough for each pixel to matter to those after it."""
    built = build_model("pixelrnn", data, **{"width": 4, "layers": 2} | options)
    excite(built.networks["pixelrnn"])
    return built


def excite(network: keras.Model) -> None:
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 1.5 / weight.shape[0] ** 0.5, weight.shape) for weight in network.weights])


def numbers(tensor) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor), "float64")


def images(count: int, shape: tuple[int, int, int]) -> np.ndarray:
    levels = np.random.default_rng(1).integers(0, 256, (count, *shape))
    return (levels / 127.5 - 1).astype("float32")


def sampling_tools(count: int) -> SamplingTools:
    on = backend()
    return SamplingTools(on, on.key(SEED), ops.arange(count, dtype="int32"))


def run(built: Built, function, count: int, *arrays: np.ndarray) -> np.ndarray:
    """`function(tools, count, *arrays)`, compiled, with the noise that `sampling_tools` gives."""
    weights = Engine(built.model, built.networks, seed=0).average([])
    return compile_inference(built.networks, function)(weights, SEED, np.arange(count, dtype="int32"), *arrays)


def influence(network: keras.Model, shape: tuple[int, int, int]) -> np.ndarray:
    """bool (values, values): does a change of one value change the logits of the other? Values are in raster order, R
    before G before B."""
    image = images(1, shape)
    size = image.size
    every = np.repeat(image, size + 1, axis=0).reshape(size + 1, size)
    np.fill_diagonal(every, every.diagonal() + 0.7)  # all but the last, which stays what it is
    logits = numbers(network(every.reshape(size + 1, *shape), training=False)).reshape(size + 1, size, -1)
    return (np.abs(logits[:-1] - logits[-1]) > 1e-5).any(-1)


@on_gray_and_color
def test_a_value_changes_no_logits_before_it_nor_its_own(shape: tuple[int, int, int], pixels: str):
    changes = influence(make(spec(shape), pixels=pixels).networks["pixelrnn"], shape)
    assert not np.tril(changes).any()
    assert changes.diagonal(1).mean() > 0.8  # but those of the next one, other than where a row begins


def test_a_pixel_sees_what_is_left_of_it_and_a_cone_above_it():
    shape = (8, 9, 1)
    network = make(spec(shape), layers=1).networks["pixelrnn"]
    seen = influence(network, shape).reshape(8, 9, 8, 9)[:, :, 7, 4]  # by the pixel in the middle of the lowest row
    assert seen[7].tolist() == [True] * 4 + [False] * 5
    assert seen[6].tolist() == [True] * 8 + [False]
    assert seen[:6].all()


def test_the_probabilities_of_all_images_add_up_to_one():
    network = RowLSTMNetwork((2, 2, 3), layers=2, width=3, features=8, outcomes=1)
    network(keras.Input((2, 2, 3)))
    excite(network)
    every = 2.0 * np.array([*itertools.product((0, 1), repeat=12)], "float32").reshape(-1, 2, 2, 3) - 1
    logits = numbers(network(every, training=False))[..., 0]
    log_probability = -np.logaddexp(0, -every * logits).sum((1, 2, 3))
    assert np.exp(log_probability).sum() == pytest.approx(1, abs=1e-5)
    assert np.exp(log_probability).std() > 1e-5  # and they are not all the same


def test_the_likelihood_is_that_of_the_levels():
    shape = (8, 8, 3)
    built, given = make(spec(shape)), images(3, shape)
    assert built.model.likelihood == Likelihood("exact", "discrete")
    logits = numbers(built.networks["pixelrnn"](given, training=False))
    log_probability = logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
    levels = np.round(127.5 * given.astype("float64") + 127.5).astype(int)
    expected = np.take_along_axis(log_probability, levels[..., None], -1).sum((1, 2, 3, 4))
    found = built.model.log_likelihood(built.networks, ops.convert_to_tensor(given), sampling_tools(3))
    np.testing.assert_allclose(numbers(found), expected, rtol=1e-5)


def test_the_likelihood_is_that_of_a_random_binarization():
    shape = (8, 8, 1)
    built, given = make(spec(shape), pixels="binarized"), images(40, shape)
    assert built.model.likelihood == Likelihood("exact", "binarized")
    noise = numbers(sampling_tools(40).uniform((40, *shape)))
    white = noise < (given + 1) / 2
    assert np.abs(white.mean() - (given.mean() + 1) / 2) < 0.03
    binary = np.where(white, 1, -1).astype("float32")
    logits = numbers(built.networks["pixelrnn"](binary, training=False))[..., 0]
    expected = -np.logaddexp(0, -binary * logits).sum((1, 2, 3))
    found = built.model.log_likelihood(built.networks, ops.convert_to_tensor(given), sampling_tools(40))
    np.testing.assert_allclose(numbers(found), expected, rtol=1e-5)


def test_each_step_of_training_sees_another_binarization():
    shape = (8, 8, 1)
    built, batch = make(spec(shape), pixels="binarized"), {"images": images(2, shape)}
    losses = {loss_of(built.model.loss, built.networks, batch, seed=step)[0] for step in range(3)}
    assert len(losses) == 3


def distribution(built: Built, given: np.ndarray) -> np.ndarray:
    """P(value < k) for k = 0 to the number of outcomes, by the whole network, of (N, H, W, C)."""
    logits = numbers(built.networks["pixelrnn"](given, training=False))
    if logits.shape[-1] == 1:
        below = 1 / (1 + np.exp(-logits))  # white is drawn where the noise is below P(white)
    else:
        probabilities = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))
        below = probabilities.cumsum(-1)[..., :-1]
    nothing = np.zeros_like(below[..., :1])
    return np.concatenate([nothing, below, nothing + 1], axis=-1)


def assert_drawn(built: Built, given: np.ndarray, noise: np.ndarray, where: np.ndarray | bool = True) -> None:
    """Each value of these images is the one that the whole network, given the image, draws with this noise."""
    bounds = distribution(built, given)
    if built.model.options.pixels == "binarized":
        outcome = (given < 0).astype(int)  # below the bound is white
    else:
        outcome = np.round(127.5 * given.astype("float64") + 127.5).astype(int)
    lower, upper = (np.take_along_axis(bounds, outcome[..., None] + i, -1)[..., 0] for i in (0, 1))
    assert np.all((noise >= lower - 1e-5) & (noise < upper + 1e-5) | ~np.asarray(where))


@on_gray_and_color
def test_what_is_drawn_pixel_by_pixel_the_whole_network_would_draw(shape: tuple[int, int, int], pixels: str):
    built = make(spec(shape), pixels=pixels)
    drawn = run(built, lambda tools, count: built.model.sample(built.networks, count, None, tools), 4)
    assert drawn.shape == (4, *shape)
    assert_drawn(built, drawn, numbers(sampling_tools(4).uniform((4, *shape))))
    values = np.unique(drawn)
    if pixels == "binarized":
        assert values.tolist() == [-1, 1]
    else:
        np.testing.assert_allclose(127.5 * (values + 1), np.round(127.5 * (values + 1)), atol=1e-4)
        assert len(values) > 20


def test_inpainting_keeps_known_pixels_and_draws_the_others_given_them():
    shape = (8, 10, 3)
    built, given = make(spec(shape)), images(3, shape)
    mask = np.random.default_rng(2).integers(0, 2, (3, *shape[:2], 1)).astype("float32")

    def inpaint(tools, count, images, mask):
        return built.model.inpaint(built.networks, images, mask, tools)

    whole = run(built, inpaint, 3, given, mask)
    known = np.broadcast_to(mask > 0, whole.shape)
    np.testing.assert_array_equal(whole[known], given[known])
    assert_drawn(built, whole, numbers(sampling_tools(3).uniform(whole.shape)), ~known)


def test_inpainting_binarized_images_keeps_their_gray_values():
    shape = (8, 8, 1)
    built, given = make(spec(shape), pixels="binarized"), images(3, shape)
    mask = np.zeros((3, *shape), "float32")
    mask[:, :, :5] = 1

    def inpaint(tools, count, images, mask):
        return built.model.inpaint(built.networks, images, mask, tools)

    whole = run(built, inpaint, 3, given, mask)
    np.testing.assert_array_equal(whole[:, :, :5], given[:, :, :5])
    assert np.unique(whole[:, :, 5:]).tolist() == [-1, 1]


@pytest.mark.parametrize("shape", [(7, 8, 1), (8, 8, 2)])
def test_what_it_can_not_take_is_refused(shape: tuple[int, int, int]):
    with pytest.raises(zoo_core.UnsupportedShape, match="received"):
        make(spec(shape))


@pytest.mark.parametrize("pixels", ["binarized", pytest.param("levels", marks=pytest.mark.slow)])
def test_training_makes_held_out_images_more_probable(pixels: str):
    data: Dataset = load_dataset("digits@8")
    registered = zoo_core.registry().model("pixelrnn")
    options = registered.load()[1](width=8, layers=1, pixels=pixels, learning_rate=0.003)
    built = build(registered, options, data.spec, seed=0)
    engine = Engine(built.model, built.networks, seed=0, options=TrainingOptions(ema=0.0))
    feeder, held_out = Feeder(data, "train", 32, 0), data.images("test")[:200]

    def nats() -> float:
        sampler = zoo_core.Sampler(built, registered.spec, data.spec, engine.average([]))
        return float(sampler.log_likelihood(held_out, 0).mean())

    before = nats()
    for step in range(100):
        engine.step(step, feeder.batch(step))
    assert nats() > 0.75 * before
