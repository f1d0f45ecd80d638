"""A model as one object, for notebooks: made, fitted, used, saved and loaded."""

import shutil
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

import numpy as np

from zoo_core.api import train
from zoo_core.data import Dataset
from zoo_core.errors import Interrupted, UsageError
from zoo_core.files import NotWritten
from zoo_core.fitting import to_fit
from zoo_core.lists import as_list
from zoo_core.operations.compression import Compressed, compress, decompress
from zoo_core.operations.editing import Edit, Images, edit
from zoo_core.operations.inpainting import Inpainting, inpaint
from zoo_core.operations.reading import Paths
from zoo_core.operations.reconstruction import Reconstructions, reconstruct
from zoo_core.operations.sampling import draw, in_turn, interpolate
from zoo_core.operations.translation import enhance, translate
from zoo_core.options import resolve
from zoo_core.registry import registry
from zoo_core.runs import RunFolder
from zoo_core.sampling.sampler import Sampler
from zoo_core.training.checkpoint import steps_of
from zoo_core.training.session import run_options


class ImageGenerator:
    """A generative model with its training and with the operations that its tasks allow.

    Until it is saved, its run lies in a temporary folder, which goes with the object.

    Args:
        width, height: of the images in pixels; what it is fitted to is brought to that.
        noise_dim: dimensions of the noise, the model's option `latent`; None for what that is by default.
        model: a name of `zoo models list`.
        options: others of the model, by name (`zoo models show MODEL`).
        seed: of the initial weights, the data order and the noise while training.

    Attributes:
        width, height, noise_dim, model, seed: as they were given.
        options: of the model, all of them, by name.

    Raises:
        UsageError: for an unknown model, an option that it has not or one out of bounds, or images without pixels.

    Examples:
        >>> import zoo_core
        >>> images = zoo_core.load_dataset("digits@8").images("train")
        >>> generator = zoo_core.ImageGenerator(width=8, height=8, noise_dim=4, model="vae", options={"width": 2})
        >>> generator.fit(images, steps=2)
        ImageGenerator(width=8, height=8, noise_dim=4, model='vae')
        >>> generator.generate(3, seed=1).shape
        (3, 8, 8, 1)
        >>> bool(generator.reconstruct(images[:3]).psnr.mean() > 0)
        True
    """

    def __init__(
        self,
        width: int = 32,
        height: int = 32,
        noise_dim: int | None = 100,
        *,
        model: str = "dcgan",
        options: Mapping[str, Any] | None = None,
        seed: int = 0,
    ) -> None:
        if not all(isinstance(side, int | np.integer) and side >= 1 for side in (width, height)):
            raise UsageError(
                f"Expected a width and a height of at least 1 pixel, whole numbers, received {width!r} and {height!r}.",
                "For example: ImageGenerator(width=32, height=32)",
            )
        known = registry().model(model).load_options()
        given = dict(options or {})
        if noise_dim is not None:
            if "latent" not in known.model_fields:
                raise UsageError(
                    f"Model '{model}' has no option 'latent', which noise_dim would be.", "Say: noise_dim=None"
                )
            given["latent"] = noise_dim
        self.width, self.height, self.noise_dim, self.model, self.seed = width, height, noise_dim, model, seed
        self.options = resolve(known, given, f"model '{model}'").model_dump()
        self._run: Path | None = None
        self._forget: Callable[[], object] = lambda: None

    def __repr__(self) -> str:
        return (
            f"ImageGenerator(width={self.width}, height={self.height}, noise_dim={self.noise_dim}, "
            f"model={self.model!r})"
        )

    @property
    def run(self) -> Path:
        """The run's folder, for everything else that takes one.

        Raises:
            UsageError: before it is fitted.
        """
        if self._run is None:
            raise UsageError("The generator has learnt nothing yet.", "First: generator.fit(images)")
        return self._run

    def fit(
        self,
        data: np.ndarray | str | Path | Dataset,
        labels: Sequence[Any] | np.ndarray | None = None,
        *,
        steps: int | None = None,
        batch_size: int | None = None,
        **settings: Any,
    ) -> "ImageGenerator":
        """Train it anew. Interrupted, it is what it was at its last checkpoint.

        Args:
            data: uint8 (N, H, W, C) or (N, H, W), at least 3 images, of which a fifth is held out for tests and a tenth
                of the others for validation, as of a folder; a source such as "mnist" or "folder:photos"; the Path of a
                folder; or a data set. What has another size is resized, images of a folder are cropped first.
            labels: of an array, one for each image, numbers or names of classes.
            steps, batch_size: of the training, by default those of `zoo train`.
            settings: others of `zoo_core.train`, such as `device`, `callbacks` and `training`.

        Returns:
            Itself.

        Raises:
            UsageError: for data that is none of these. Otherwise as `zoo_core.train`.
            ZooError, Interrupted: as `zoo_core.train`.
        """
        dataset = to_fit(data, labels, (self.height, self.width), settings.get("data_dir"))
        given = {"steps": steps, "batch_size": batch_size}
        training = {name: value for name, value in given.items() if value is not None}
        settings["training"] = {**(settings.get("training") or {}), **training}
        folder = Path(mkdtemp(prefix="zoo-"))
        forget = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        run = RunFolder(folder / "run")
        try:
            train(self.model, dataset, run.path, seed=self.seed, options=self.options, **settings)
        except Interrupted as error:  # its hint names the run's folder, which goes with the generator
            kept = "The generator is what it was then; generator.save(FOLDER) keeps it."
            raise Interrupted(error.message, kept if steps_of(run) else "Fit it again.") from error
        finally:
            if RunFolder.is_run(run.path) and steps_of(run):
                self._use(run.path)
                self._forget()
                self._forget = forget
            else:
                forget()
        return self

    def generate(
        self,
        count: int = 64,
        *,
        seed: int = 0,
        labels: str | Sequence[Any] | np.ndarray = (),
        truncation: float | None = None,
    ) -> np.ndarray:
        """Images uint8 (count, height, width, C). Image number n of a seed is the same however many are made.

        Args:
            labels: classes, or one, which a conditional model goes through in turn; by default all of them.
            truncation: as in `zoo_core.sample`.

        Raises:
            UsageError: as `zoo_core.sample`.
        """
        asked = in_turn(self._sampler, [str(label) for label in as_list(labels)], count)
        return draw(self._sampler, count, seed, asked, truncation)

    def save(self, path: str | Path) -> Path:
        """Copy the run to a folder, for `load` and for every command of `zoo`.

        Raises:
            UsageError: where there is something already.
            ZooError: where the disk is full.
        """
        path = Path(path)
        try:
            RunFolder.check_free(path)
        except UsageError as error:  # its hint is for the command line
            raise UsageError(error.message, "Name another folder.") from error
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as temporary:
                shutil.copytree(self.run, Path(temporary) / "run", ignore=shutil.ignore_patterns(".lock", ".*.tmp"))
                (Path(temporary) / "run").replace(path)
        except OSError as error:
            raise NotWritten(f"Can't write '{path}': {error.strerror or error}.", "Name another folder.") from error
        return path

    @classmethod
    def load(cls, path: str | Path) -> "ImageGenerator":
        """The generator of a run's folder, whether `save` or `zoo train` wrote it; it stays there.

        Raises:
            UsageError: if it is not a run.
            ZooError: if it is damaged.
        """
        run = RunFolder.open(Path(path))
        description = run.description()
        registered, options, _ = run_options(run, description)
        height, width, _ = description.data.image_shape
        values = options.model_dump()
        generator = cls(
            width,
            height,
            values.get("latent"),
            model=registry().name_of(registered),
            options=values,
            seed=description.seed,
        )
        generator._use(run.path)
        return generator

    def interpolate(self, count: int = 6, frames: int = 10, **settings: Any) -> np.ndarray:
        """As `zoo_core.interpolate` of its run."""
        return interpolate(self.run, count, frames, **settings)

    def reconstruct(self, images: Paths | np.ndarray | None = None, **settings: Any) -> Reconstructions:
        """As `zoo_core.reconstruct` with its run."""
        return reconstruct(self.run, images, **settings)

    def inpaint(
        self, image: str | Path | np.ndarray, mask: str | Path | np.ndarray | None = None, **settings: Any
    ) -> Inpainting:
        """As `zoo_core.inpaint` with its run."""
        return inpaint(self.run, image, mask, **settings)

    def edit(self, image: Images, **settings: Any) -> Edit:
        """As `zoo_core.edit` with its run."""
        return edit(self.run, image, **settings)

    def compress(self, images: Paths | np.ndarray, out: str | Path, **settings: Any) -> Compressed:
        """As `zoo_core.compress` with its run."""
        return compress(self.run, images, out, **settings)

    def decompress(self, file: str | Path, out: str | Path, **settings: Any) -> list[Path]:
        """As `zoo_core.decompress` with its run."""
        return decompress(self.run, file, out, **settings)

    def translate(self, source: str | Path, out: str | Path, **settings: Any) -> list[Path]:
        """As `zoo_core.translate` with its run."""
        return translate(self.run, source, out, **settings)

    def enhance(self, source: str | Path, out: str | Path, **settings: Any) -> list[Path]:
        """As `zoo_core.enhance` with its run."""
        return enhance(self.run, source, out, **settings)

    @cached_property
    def _sampler(self) -> Sampler:
        return Sampler.load(self.run)

    def _use(self, run: Path) -> None:
        self._run = run
        self.__dict__.pop("_sampler", None)
