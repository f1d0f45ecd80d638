"""What comes out of a trained model depends on the seed and the image's number, and on nothing else."""

from pathlib import Path

import numpy as np
import pytest

from zoo_core.data import load_dataset
from zoo_core.errors import UsageError, ZooError
from zoo_core.runs import RunFolder
from zoo_core.sampling.sampler import Sampler
from zoo_core.training import checkpoint


@pytest.fixture(scope="module")
def cgan(runs: dict[str, RunFolder]) -> Sampler:
    return Sampler.load(runs["cgan"].path)


@pytest.fixture(scope="module")
def vae(runs: dict[str, RunFolder]) -> Sampler:
    return Sampler.load(runs["vae"].path)


LABELS = np.arange(10, dtype="int32")


def test_samples_are_uint8_images_of_the_data_s_shape(cgan: Sampler):
    images = cgan.generate(10, 0, LABELS)
    assert images.shape == (10, 8, 8, 1)
    assert images.dtype == np.uint8


@pytest.mark.parametrize("batch", [1, 3, 10])
def test_the_batch_size_changes_at_most_one_level(cgan: Sampler, batch: int):
    whole = cgan.generate(10, 5, LABELS).astype(int)
    assert np.abs(cgan.generate(10, 5, LABELS, batch=batch) - whole).max() <= 1


def test_an_image_has_its_number_wherever_one_begins(vae: Sampler):
    whole = vae.generate(10, 5).astype(int)
    assert np.abs(vae.generate(4, 5, first=6) - whole[6:]).max() <= 1


def test_the_seed_reproduces_and_matters(vae: Sampler):
    np.testing.assert_array_equal(vae.generate(4, 1), vae.generate(4, 1))
    assert not np.array_equal(vae.generate(4, 1), vae.generate(4, 2))


def test_labels_matter_to_a_conditional_model(cgan: Sampler):
    assert not np.array_equal(cgan.generate(4, 1, LABELS[:4]), cgan.generate(4, 1, LABELS[4:8]))


def test_no_images_can_not_be_asked_for(vae: Sampler):
    with pytest.raises(UsageError, match="At least 1 image must be asked for, received 0"):
        vae.generate(0, seed=0)


def test_labels_must_fit(cgan: Sampler, vae: Sampler):
    with pytest.raises(UsageError, match="is conditional: say which labels"):
        cgan.generate(2, 0)
    with pytest.raises(UsageError, match=r"Expected 2 labels in \[0, 10\), received 2 in \[0, 10\]"):
        cgan.generate(2, 0, np.array([0, 10]))
    with pytest.raises(UsageError, match="ignores labels"):
        vae.generate(2, 0, LABELS[:2])


@pytest.mark.parametrize("batch", [4, 7, 256])
def test_reconstructions_belong_to_their_images(vae: Sampler, batch: int):
    images = load_dataset("digits@8").images("test")[:9]
    whole = np.concatenate([vae.reconstruct(images[i : i + 1]) for i in range(9)]).astype(int)
    assert np.abs(vae.reconstruct(images, batch) - whole).max() <= 1


def test_reconstruction_wants_the_task_and_the_shape(cgan: Sampler, vae: Sampler):
    with pytest.raises(UsageError, match="'cgan' does not reconstruct; its tasks: generate"):
        cgan.reconstruct(np.zeros((1, 8, 8, 1), "uint8"))
    with pytest.raises(UsageError, match=r"Expected images of shape \(8, 8, 1\), received 1 of \(16, 16, 1\)"):
        vae.reconstruct(np.zeros((1, 16, 16, 1), "uint8"))
    with pytest.raises(UsageError, match=r"Expected images in uint8, received float64\. Bring floats in \[0, 1\]"):
        vae.encode(np.zeros((1, 8, 8, 1)))


def test_training_leaves_a_last_sheet_and_one_of_reconstructions(runs: dict[str, RunFolder]):
    assert (runs["cgan"].samples / "final.png").is_file()
    assert not (runs["cgan"].samples / "reconstructions.png").exists()
    assert (runs["vae"].samples / "reconstructions.png").is_file()


def test_a_damaged_checkpoint_is_told(runs: dict[str, RunFolder]):
    path = checkpoint.latest(runs["vae"])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    try:
        with pytest.raises(ZooError, match="can't be read"):
            Sampler.load(runs["vae"].path)
    finally:
        path.write_bytes(content)


def test_a_run_without_a_checkpoint_is_told(runs: dict[str, RunFolder]):
    path = checkpoint.latest(runs["vae"])
    hidden = path.rename(path.with_suffix(".hidden"))
    try:
        with pytest.raises(ZooError, match="has no checkpoint"):
            Sampler.load(runs["vae"].path)
    finally:
        hidden.rename(path)


def test_an_input_becomes_the_same_image_in_any_batch(doubling_run: Path):
    sampler, inputs = Sampler.load(doubling_run), np.arange(5 * 16, dtype="uint8").reshape(5, 4, 4, 1)
    whole = sampler.transform(inputs, seed=0)
    np.testing.assert_array_equal(whole, inputs.repeat(2, axis=1).repeat(2, axis=2))
    np.testing.assert_array_equal(sampler.transform(inputs[2:], seed=0, first=2, batch=2), whole[2:])
    with pytest.raises(UsageError, match=r"Expected inputs of shape \(4, 4, 1\), received 5 of \(8, 8, 1\)"):
        sampler.transform(whole, seed=0)
