import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo_core.data import SPLITS, Dataset, Split
from zoo_core.errors import ZooError
from zoo_core.models import standardization
from zoo_core.models.pixels import from_uint8
from zoo_core.specs import DataSpec, Field

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"


@pytest.fixture
def data() -> Dataset:
    """50 train images whose channels differ in mean and deviation."""
    draw = np.random.default_rng(0).normal((60, 128, 200), (5, 30, 12), (50, 8, 6, 3))
    images = np.clip(np.rint(draw), 0, 255).astype(np.uint8)
    return Dataset("uneven", {split: Split(images if split == "train" else images[:2], None) for split in SPLITS})


def run(layer: Callable, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(layer(keras.ops.convert_to_tensor(images)))


def test_train_images_get_mean_0_and_variance_1_in_each_channel(data: Dataset):
    images = from_uint8(data.images("train"))
    found = run(standardization(data.spec), images).astype(float)
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(found.var(axis=(0, 1, 2)), 1, atol=1e-5)


def test_the_inverse_leads_back(data: Dataset):
    images = from_uint8(data.images("train"))
    there = run(standardization(data.spec), images)
    np.testing.assert_allclose(run(standardization(data.spec, inverse=True), there), images, atol=1e-6)


def test_the_constants_are_saved_with_a_network_and_nothing_trains_them(data: Dataset, tmp_path: Path):
    images = keras.Input(data.spec.image_shape)
    network = keras.Model(images, standardization(data.spec, inverse=True)(standardization(data.spec)(images)))
    assert network.weights == []
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    pixels = from_uint8(data.images("test"))
    np.testing.assert_array_equal(run(loaded, pixels), run(network, pixels))
    np.testing.assert_allclose(run(loaded, pixels), pixels, atol=1e-6)


def test_a_channel_that_never_changes_is_only_shifted():
    flat = Split(np.full((4, 2, 2, 1), 51, np.uint8), None)
    layer = standardization(Dataset("flat", dict.fromkeys(SPLITS, flat)).spec)
    np.testing.assert_allclose(run(layer, from_uint8(flat.images)), 0, atol=1e-6)
    np.testing.assert_allclose(run(layer, np.ones((1, 2, 2, 1), "float32")), 1.6, atol=1e-6)


def test_a_description_without_statistics_is_an_error():
    spec = DataSpec(name="old", fields={"images": Field((2, 2, 1), "float32")}, classes=(), splits={}, content_hash="")
    with pytest.raises(ZooError, match="means and deviations of 'old' are not known"):
        standardization(spec)


def test_the_example_of_the_page_on_plugins(data: Dataset):
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (example,) = [block for block in blocks if "standardization(" in block]
    found: dict = {}
    exec(example, found)
    network = found["autoencoder"](data.spec)
    assert network(from_uint8(data.images("test")), training=False).shape == (2, 8, 6, 3)
