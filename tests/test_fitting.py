"""What a generator is fitted to."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo_core.data import load_dataset
from zoo_core.errors import UsageError
from zoo_core.fitting import to_fit


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_dataset("digits@8").images("train")[:60]


@pytest.mark.parametrize(
    ("source", "name"),
    [("digits", "digits@8x10"), ("digits@8x10#train", "digits@8x10#train"), ("digits~noise25", "digits@8x10~noise25")],
)
def test_a_source_is_brought_to_the_size(source: str, name: str):
    dataset = to_fit(source, None, (8, 10))
    assert (dataset.spec.name, dataset.spec.image_shape) == (name, (8, 10, 1))


def test_arrays_and_data_sets_are_brought_to_the_size(digits: np.ndarray):
    for data in (digits, load_dataset("digits@8")):
        dataset = to_fit(data, None, (12, 12))
        assert dataset.spec.image_shape == (12, 12, 1)
        assert dataset.spec.name.endswith("@12")


def test_a_path_is_that_of_a_folder(digits: np.ndarray, tmp_path: Path):
    folder = tmp_path / "photos@64"
    folder.mkdir()
    for number, image in enumerate(digits[:4]):
        Image.fromarray(image[..., 0]).save(folder / f"{number}.png")
    dataset = to_fit(folder, None, (8, 10))
    assert dataset.spec.image_shape == (8, 10, 1)
    assert sum(dataset.spec.splits.values()) == 4


def test_what_can_not_be_fitted_to(digits: np.ndarray, tmp_path: Path):
    with pytest.raises(UsageError, match=r"received float64 \(60, 8, 8, 1\).*Bring floats"):
        to_fit(digits / 255, None, (8, 8))
    with pytest.raises(UsageError, match=r"a label for each of 60 images, received \(2,\)"):
        to_fit(digits, [1, 2], (8, 8))
    with pytest.raises(UsageError, match="a data set has its own"):
        to_fit("digits", [1, 2], (8, 8))
    with pytest.raises(UsageError, match=r"Expected an array of images, .* received list\..*np\.stack"):
        to_fit([digits[0], digits[1]], None, (8, 8))
    with pytest.raises(UsageError, match=r"nowhere.* should be a folder of images, but it is not there"):
        to_fit(tmp_path / "nowhere", None, (8, 8))
    with pytest.raises(UsageError, match="makes images of 8x8, received 'digits@16'"):
        to_fit("digits@16", None, (8, 8))
