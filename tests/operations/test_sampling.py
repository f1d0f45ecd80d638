"""Images of noise, as Python calls."""

from pathlib import Path

import numpy as np
import pytest

import zoo_core
from zoo_core.operations.sampling import draw_parts, film


def test_what_is_drawn_is_what_the_sampler_draws(vae_run: Path):
    images = zoo_core.sample(vae_run, 5, seed=3)
    np.testing.assert_array_equal(images, zoo_core.Sampler.load(vae_run).generate(5, 3))
    np.testing.assert_allclose(zoo_core.sample(vae_run, 5, seed=3, truncation=50.0).astype(int), images, atol=1)


def test_a_conditional_model_goes_through_the_classes_in_turn(cgan_run: Path):
    images = zoo_core.sample(cgan_run, 3, labels=["7", "2"])
    asked = np.array([7, 2, 7], "int32")
    np.testing.assert_array_equal(images, zoo_core.Sampler.load(cgan_run).generate(3, 0, asked))
    np.testing.assert_array_equal(zoo_core.sample(cgan_run, 1, labels="7"), images[:1])
    for labels in (["seven"], "seven"):
        with pytest.raises(zoo_core.UsageError, match="Unknown class 'seven'"):
            zoo_core.sample(cgan_run, 3, labels=labels)


def test_truncated_images_are_more_alike_the_lower_the_threshold(vae_run: Path):
    spreads = [zoo_core.sample(vae_run, 40, truncation=psi).std(axis=0).mean() for psi in (2.0, 0.5, 0.01)]
    assert spreads[0] > spreads[1] > spreads[2]
    with pytest.raises(zoo_core.UsageError, match="must be above 0, received 0"):
        zoo_core.sample(vae_run, 4, truncation=0)


@pytest.mark.parametrize("truncation", [None, 1.0])
def test_at_least_one_image_must_be_asked_for(vae_run: Path, truncation: float | None):
    for count in (0, -3):
        with pytest.raises(zoo_core.UsageError, match=f"At least 1 image must be asked for, received {count}"):
            zoo_core.sample(vae_run, count, truncation=truncation)


@pytest.mark.parametrize("truncation", [None, 1.0])
def test_images_come_in_parts_that_fit_into_memory(
    cgan_run: Path, truncation: float | None, monkeypatch: pytest.MonkeyPatch
):
    labels = np.arange(10, dtype="int32")
    whole = zoo_core.sample(cgan_run, 10, seed=3, truncation=truncation)
    monkeypatch.setattr("zoo_core.sampling.sampler.BATCH", 4)
    parts = list(draw_parts(zoo_core.Sampler.load(cgan_run), 10, 3, labels, truncation))
    assert [len(part) for part in parts] == [4, 4, 2]
    np.testing.assert_allclose(np.concatenate(parts).astype(int), whole.astype(int), atol=1)


@pytest.mark.parametrize("way", ["spherical", "linear"])
def test_a_path_leads_through_the_images_of_the_seed(vae_run: Path, way: str):
    path = zoo_core.interpolate(vae_run, 3, 4, way=way, seed=2).astype(int)
    assert path.shape == (2, 4, 8, 8, 1)
    images = zoo_core.sample(vae_run, 3, seed=2).astype(int)
    np.testing.assert_allclose(path[:, 0], images[:2], atol=1)
    np.testing.assert_allclose(path[:, -1], images[1:], atol=1)
    assert not np.array_equal(path[0, 1], path[0, 0])


def test_a_stretch_of_a_conditional_model_is_of_one_class(cgan_run: Path):
    path = zoo_core.interpolate(cgan_run, 3, 2, labels=["4", "7"])
    expected = zoo_core.Sampler.load(cgan_run).generate(2, 0, np.array([4, 7], "int32"))
    np.testing.assert_allclose(path[:, 0].astype(int), expected.astype(int), atol=1)


def test_an_animation_shows_an_image_once_and_both_where_the_class_changes():
    stretches = np.arange(9, dtype="uint8").reshape(3, 3, 1, 1, 1)
    assert film(stretches).ravel().tolist() == [0, 1, 3, 4, 6, 7, 8]
    assert film(stretches, np.array([4, 4, 7])).ravel().tolist() == [0, 1, 3, 4, 5, 6, 7, 8]
    assert film(stretches[:1], np.array([4])).ravel().tolist() == [0, 1, 2]


def test_what_no_path_leads_through(vae_run: Path, doubling_run: Path):
    with pytest.raises(zoo_core.UsageError, match="At least 2 images and 2 frames are needed, received 1 and 5"):
        zoo_core.interpolate(vae_run, 1, 5)
    with pytest.raises(zoo_core.UsageError, match="Unknown way 'round'"):
        zoo_core.interpolate(vae_run, 2, 5, way="round")
    with pytest.raises(zoo_core.UsageError, match="'doubling' does not generate"):
        zoo_core.interpolate(doubling_run)
