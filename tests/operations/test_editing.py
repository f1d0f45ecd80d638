"""Images projected and changed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo_core
from zoo_core.features import classifier
from zoo_core.features.base import ClassifyingNetwork
from zoo_core.operations import editing
from zoo_core.sampling.latents import LatentSpace


class Brightness(ClassifyingNetwork):
    """Takes the brighter half of images for the class `bright`, and none for `pink`."""

    name = "classifier:brightness"
    weights_sha256 = None
    runtime = "numpy"
    classes = ("dark", "bright", "pink")

    def __init__(self, middle: float) -> None:
        self.middle = middle

    def features(self, images):
        return images.mean(axis=(1, 2, 3), dtype=np.float32)[:, None]

    def logits(self, features):
        return np.concatenate([self.middle - features, features - self.middle, np.full_like(features, -1e9)], axis=1)


@pytest.fixture
def brightness(vae_run: Path, monkeypatch: pytest.MonkeyPatch) -> Brightness:
    network = Brightness(float(np.median(zoo_core.sample(vae_run, 200).mean(axis=(1, 2, 3)))))
    monkeypatch.setattr(editing, "load_features", lambda name, data, weights: network)
    monkeypatch.setattr(editing, "DRAWN", 1024)
    return network


@pytest.fixture
def images(vae_run: Path, tmp_path: Path) -> list[Path]:
    """Four of the model's own, as files."""
    paths = [tmp_path / "in" / f"{i}.png" for i in range(4)]
    paths[0].parent.mkdir()
    for path, image in zip(paths, zoo_core.sample(vae_run, 4, seed=6), strict=True):
        Image.fromarray(image[..., 0]).save(path)
    return paths


def test_a_projection_is_the_image_that_comes_nearest(vae_run: Path, images: list[Path], tmp_path: Path):
    made = zoo_core.edit(vae_run, images[1], tmp_path / "out.png")
    assert made.frames.shape == (1, 8, 8, 1)
    assert made.latents.shape == (1, 4)
    assert made.psnr > 35
    with Image.open(tmp_path / "out.png") as strip:
        assert strip.size == (2 * 10 + 2, 12)


def test_a_class_is_added_and_another_removed(
    vae_run: Path, images: list[Path], brightness: Brightness, tmp_path: Path
):
    made = zoo_core.edit(vae_run, images[0], tmp_path / "o.gif", add=["bright"], remove=["dark"], frames=3)
    assert (np.diff(made.frames.mean(axis=(1, 2, 3))) > 0).all()
    np.testing.assert_allclose(made.strengths, [0, 1, 2])
    np.testing.assert_allclose(*np.diff(made.latents, axis=0), atol=1e-5)
    with Image.open(tmp_path / "o.gif") as animation:
        assert animation.n_frames == 3


def test_the_mean_of_a_class_is_that_of_latents_so_classified(vae_run: Path, brightness: Brightness):
    space = LatentSpace(zoo_core.Sampler.load(vae_run))
    means = editing.class_latents(space, ["dark", "bright"], None)
    latents = space.draw(1024, editing.DRAWN_SEED)
    bright = space.images(latents).mean(axis=(1, 2, 3)) > brightness.middle
    np.testing.assert_allclose(means["bright"], latents[bright].mean(axis=0), atol=0.02)
    np.testing.assert_allclose(means["dark"], latents[~bright].mean(axis=0), atol=0.02)


class Corners:
    """Takes the first four pixels of images for their latents."""

    def __init__(self, space: LatentSpace) -> None:
        self.space = space

    def __call__(self, images, weights, labels, seed, progress):
        return images[:, 0, :4, 0].astype("float32") / 255


def test_images_are_added_and_subtracted_by_their_mean_latents(
    vae_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(editing, "Projector", Corners)
    given = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), "uint8")
    folder = tmp_path / "two"
    folder.mkdir()
    for number in (2, 3):
        Image.fromarray(given[number, ..., 0]).save(folder / f"{number}.png")
    a, b, c, d = given[:, 0, :4, 0] / 255
    made = zoo_core.edit(vae_run, given[:1], remove=[given[1:2]], add=[folder], strength=1, frames=2)
    np.testing.assert_allclose(made.latents, [a, a - b + (c + d) / 2], atol=1e-6)
    assert made.psnr is not None
    mean = zoo_core.edit(vae_run, folder)
    np.testing.assert_allclose(mean.latents, [(c + d) / 2], atol=1e-6)
    assert mean.psnr is None


def test_what_can_not_be_changed_is_told(
    vae_run: Path, cgan_run: Path, doubling_run: Path, images: list[Path], brightness: Brightness, tmp_path: Path
):
    with pytest.raises(zoo_core.UsageError, match=r"Unknown class or path 'brigth'\. Did you mean 'bright'"):
        zoo_core.edit(vae_run, images[0], add=["brigth"])
    with pytest.raises(zoo_core.ZooError, match="Of 1,024 images that the model made, 0 are of class 'pink'"):
        zoo_core.edit(vae_run, images[0], add=["pink"])
    with pytest.raises(zoo_core.UsageError, match="'doubling' does not generate"):
        zoo_core.edit(doubling_run, images[0])
    with pytest.raises(zoo_core.UsageError, match="is conditional: say of which class the image is"):
        zoo_core.edit(cgan_run, images[0])
    with pytest.raises(zoo_core.UsageError, match=r"'3' is no file or folder, and .* are no part of its latents"):
        zoo_core.edit(cgan_run, images[0], add=["3"], label="2")
    with pytest.raises(zoo_core.UsageError, match=r"as \.png or .gif, received"):
        zoo_core.edit(vae_run, images[0], tmp_path / "out.jpg")
    with pytest.raises(zoo_core.UsageError, match=r"Expected images of shape \(8, 8, 1\), received 8 of \(8, 1\)"):
        zoo_core.edit(vae_run, np.zeros((8, 8, 1), "uint8"))
    with pytest.raises(zoo_core.UsageError, match="already exists"):
        zoo_core.edit(vae_run, images[0], images[1])
    with pytest.raises(zoo_core.UsageError, match="At least 2 frames"):
        zoo_core.edit(vae_run, images[0], add=["bright"], frames=1)


def test_a_name_that_is_neither_file_nor_class_is_told_where_there_is_no_classifier(
    vae_run: Path, images: list[Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(classifier, "SHIPPED", {})
    with pytest.raises(zoo_core.UsageError, match=r"'fuor/' is no file or folder, and .* No classifier is shipped for"):
        zoo_core.edit(vae_run, images[0], add=["fuor/"])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strength": float("nan")}, "strength should lie between -1,000 and 1,000, received nan"),
        ({"strength": float("-inf")}, "strength should lie between -1,000 and 1,000, received -inf"),
        ({"strength": 1e39}, r"strength should lie between -1,000 and 1,000, received 1e\+39"),
        ({"add": (), "strength": 1.0}, "those of a change, and nothing is added or removed"),
        ({"add": (), "frames": 3}, "those of a change, and nothing is added or removed"),
        ({"add": (), "weights": "own.h5"}, r"classifier of 'own\.h5' would tell classes, and none is added"),
        ({"add": np.zeros((1, 8, 8, 1), "uint8"), "weights": "own.h5"}, "would tell classes, and none is added"),
        ({"add": "birght"}, "Unknown class or path 'birght'"),
        ({"add": ["bright", ""]}, "received an empty name"),
        ({"remove": ["nine.png"]}, r"Unknown class or path 'nine\.png'"),
        ({"remove": [np.zeros((1, 8, 8, 1))]}, "Expected images in uint8, received float64"),
    ],
)
def test_what_is_asked_wrongly_is_told_before_the_work(
    vae_run: Path,
    images: list[Path],
    brightness: Brightness,
    settings: dict,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delattr(editing.LatentSpace, "images")
    monkeypatch.delattr(editing.Projector, "__call__")
    with pytest.raises(zoo_core.UsageError, match=message):
        zoo_core.edit(vae_run, images[0], **{"add": ["bright"]} | settings)


def test_files_are_read_before_the_work(
    vae_run: Path, images: list[Path], brightness: Brightness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(editing.LatentSpace, "images")
    monkeypatch.delattr(editing.Projector, "__call__")
    images[3].write_bytes(b"no image")
    with pytest.raises(zoo_core.ZooError, match="1 of 1 images can't be read"):
        zoo_core.edit(vae_run, images[0], add=["bright"], remove=[images[3]])
    with pytest.raises(zoo_core.UsageError, match=r"There is no file or folder 'nine\.png'"):
        zoo_core.edit(vae_run, "nine.png", add=["bright"])


def test_a_conditional_model_projects_images_of_a_class(cgan_run: Path, images: list[Path]):
    made = zoo_core.edit(cgan_run, images[0], add=[images[1]], label="2", frames=3)
    assert made.frames.shape == (3, 8, 8, 1)
