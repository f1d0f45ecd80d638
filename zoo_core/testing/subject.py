"""One model under check, and what its checks have in common."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from zoo_core.data import Dataset, Feeder
from zoo_core.errors import UnsupportedShape
from zoo_core.models import Networks, Tensor, Tools
from zoo_core.models.pixels import scale
from zoo_core.options import Options
from zoo_core.registry import RegisteredModel, registry
from zoo_core.runs import RunDescription, RunFolder
from zoo_core.sampling.inference import compile_inference, shape_of_inference
from zoo_core.sampling.sampler import Sampler
from zoo_core.specs import DataSpec, ModelSpec
from zoo_core.testing.checked import Checked, needs, shared
from zoo_core.testing.results import CheckFailed, CheckSkipped
from zoo_core.testing.tiny import Shape, Sizes, every_class, inputs_of, noise_images, sizes, smallest_options
from zoo_core.testing.trial import Seen, Trial
from zoo_core.training import session
from zoo_core.training.backends import Arrays
from zoo_core.training.build import Built, build
from zoo_core.training.engine import Engine
from zoo_core.training.log import Report
from zoo_core.training.options import TrainingOptions

SEED = 0
BATCH = 4
STEPS = 4
MIDDLE = 2
"""The step of a tiny run's first checkpoint."""

COUNT = 5
"""Samples that are looked at, more than one batch of 2 and no multiple of it."""

Draw = Callable[[np.ndarray, int, np.ndarray], np.ndarray]
"""`draw(numbers, seed, asked)`: the images with these numbers (N,), float (N, H, W, C) as the model gives them. `asked`
are labels int32 (N,) for a conditional model, and inputs uint8 (N, H', W', C') for one that makes images of them."""


class TinyRun(NamedTuple):
    """A finished run.

    Attributes:
        files: all of its folder, by their paths in it: so that nothing stays on the disk, however a process ends.
        images: that its averaged networks gave in its last step.
    """

    files: dict[str, bytes]
    images: np.ndarray | None

    @contextmanager
    def unpacked(self) -> Iterator[RunFolder]:
        """A scope in which the run's folder is there."""
        with TemporaryDirectory(prefix="zoo-") as folder:
            for name, content in self.files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            yield RunFolder(Path(folder))


class Subject(Checked[RegisteredModel]):
    """A model and what checks share of it: tiny data, one look at its losses, one tiny run, a few samples.

    Args:
        name: as for `zoo train`.
        options: of the model; by default those of `smallest_options`.
    """

    def __init__(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(name)
        self.given = dict(options or {})

    def _find(self) -> RegisteredModel:
        model = registry().model(self.name)
        model.check_backend()
        return model

    @property
    def spec(self) -> ModelSpec:
        return self.registered.spec

    @property
    def draws(self) -> bool:
        """Whether it makes images at all, of noise or of inputs."""
        return self.spec.generates or self.spec.translates

    @shared
    def options(self) -> Options:
        return smallest_options(self.registered.load()[1], self.given, f"model '{self.name}'")

    @shared
    def attempts(self) -> dict[Sizes, Exception | None]:
        """For each of `sizes`, None where networks could be built."""
        needs(self.options)
        return {one: self._attempt(noise_images(one).spec) for one in sizes(self.spec.translates)}

    @shared
    def sizes(self) -> Sizes:
        """The smallest that networks can be built for. Where there is none, raises what is no refusal of a shape."""
        for one, error in self.attempts.items():
            if error is None:
                return one
        for error in self.attempts.values():
            if error and not isinstance(error, UnsupportedShape):
                raise error
        refusals = "; ".join(f"{one}: {error}" for one, error in self.attempts.items())
        raise CheckFailed(
            f"networks at one of {', '.join(map(str, self.attempts))} at least",
            refusals,
            "let `networks` follow `data.image_shape`",
        )

    @property
    def shape(self) -> Shape:
        return self.sizes.images

    @shared
    def data(self) -> Dataset:
        return noise_images(self.sizes)

    def build(self, data: DataSpec | None = None) -> Built:
        """Networks with the initial weights of every run here."""
        return build(self.registered, self.options, data or self.data.spec, SEED)

    def batch(self, step: int, size: int = BATCH) -> dict[str, np.ndarray]:
        return Feeder(self.data, "train", size, SEED).batch(step)

    def engine(self, built: Built, training: TrainingOptions) -> Engine:
        return Engine(built.model, built.networks, SEED, training)

    @shared
    def trial(self) -> Trial:
        return Trial(self.build())

    @shared
    def seen(self) -> Seen:
        """The losses of one batch, all of them finite."""
        seen = self.trial(self.batch(0))
        for phase, values in seen.values.items():
            for name, value in values.items():
                if not np.isfinite(value):
                    raise CheckFailed(
                        "finite numbers",
                        f"'{name}' is {value} in phase '{phase}', before any training",
                        "look for a logarithm, a root or a quotient of 0 in the loss",
                    )
        return seen

    @shared
    def run(self) -> TinyRun:
        """A few steps of training, with a checkpoint in the middle."""
        needs(self.seen)  # what can't be computed once can't be trained
        images: list[np.ndarray] = []

        def attach(
            folder: RunFolder,
            description: RunDescription,
            built: Built,
            data: Dataset,
            options: TrainingOptions,
            report: Report | None,
        ) -> session.Attached:
            return session.Attached(callbacks=[_AtTheEnd(lambda weights: images.append(self.made_by(built, weights)))])

        training = {"steps": STEPS, "batch_size": BATCH, "checkpoint_every": MIDDLE, "log_every": 1, "ema": 0.5}
        with TemporaryDirectory(prefix="zoo-") as folder:
            session.start(
                self.name,
                self.data,
                Path(folder),
                seed=SEED,
                options=self.options.model_dump(),
                training=training,
                surroundings=session.Surroundings("cpu", attach if self.draws else None),
            )
            paths = [path for path in Path(folder).rglob("*") if path.is_file()]
            files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        return TinyRun(files, images[0] if images else None)

    @shared
    def weights(self) -> Arrays:
        """Those of the tiny run, as they were loaded from its folder."""
        with self.run.unpacked() as run:
            return Sampler.load(run.path).weights

    @shared
    def draw(self) -> Draw:
        """Draws from the tiny run; where the model does not generate, what it makes of inputs."""
        if not self.draws:
            raise CheckSkipped("the model has neither of the tasks 'generate' and 'translate'")
        return partial(self.drawing(self.build(), from_inputs=not self.spec.generates), self.weights)

    @property
    def asked(self) -> np.ndarray:
        """What images number 0 to COUNT are asked by; see `Draw`."""
        return every_class(COUNT) if self.spec.generates else inputs_of(self.data, COUNT)

    @shared
    def images(self) -> np.ndarray:
        """Images number 0 to COUNT of one seed; see `Draw`."""
        images = self.draw(np.arange(COUNT), 1, self.asked)
        check_samples(images, self.shape)
        if not np.issubdtype(images.dtype, np.floating):
            raise CheckFailed("samples of a floating type", f"{images.dtype}", "return images in [-1, 1], not levels")
        if np.abs(images).max() > 1 + 1e-6:
            seen = f"values in [{images.min():.3g}, {images.max():.3g}]"
            raise CheckFailed("samples in [-1, 1]", seen, "end the network in a bounded activation, such as tanh")
        return images

    def drawing(self, built: Built, from_inputs: bool) -> Callable[[Arrays, np.ndarray, int, np.ndarray], np.ndarray]:
        """A `Draw`, with the weights of these networks as its first argument; compiled as `Sampler` does.

        Args:
            from_inputs: by the task `translate` in place of `generate`.
        """
        compiled = compile_inference(*_maker(built, from_inputs))

        def draw(weights: Arrays, numbers: np.ndarray, seed: int, asked: np.ndarray) -> np.ndarray:
            given = (asked,) if from_inputs or self.spec.conditional else ()
            return compiled(weights, seed, numbers.astype("int32"), *given)

        return draw

    def shape_made(self, of: Sizes) -> tuple[int, ...]:
        """The shape of COUNT images by a model for data of these sizes."""
        data = noise_images(of)
        maker = _maker(self.build(data.spec), from_inputs=not self.spec.generates)
        if not self.spec.generates:
            return shape_of_inference(*maker, COUNT, inputs_of(data, COUNT))
        return shape_of_inference(*maker, COUNT, *([every_class(COUNT)] if self.spec.conditional else []))

    def compiled(self, function: Callable[..., Tensor]) -> Callable[..., np.ndarray]:
        """`run(seed, numbers, *arrays)` that calls `function(model, networks, tools, *arrays)` with the tiny run's
        averaged networks; compiled as `Sampler` does."""
        built = self.build()
        networks = _inference_networks(built)
        compiled = compile_inference(
            networks, lambda tools, count, *arrays: function(built.model, networks, tools, *arrays)
        )
        return lambda seed, numbers, *arrays: compiled(self.weights, seed, numbers.astype("int32"), *arrays)

    def made_by(self, built: Built, weights: Arrays) -> np.ndarray:
        """Images number 0 to COUNT of one seed, with the weights of these networks."""
        draw = self.drawing(built, from_inputs=not self.spec.generates)
        return draw(weights, np.arange(COUNT), 1, self.asked)

    def _attempt(self, data: DataSpec) -> Exception | None:
        try:
            self.build(data)
        except Exception as error:
            return error
        return None


def _maker(built: Built, from_inputs: bool) -> tuple[Networks, Callable[..., Tensor]]:
    """What `compile_inference` takes: the networks that are used after training, and what makes images with them."""
    networks = _inference_networks(built)
    model: Any = built.model  # which tasks it has, its spec tells

    def make(tools: Tools, count: int, asked: Tensor | None = None) -> Tensor:
        if from_inputs:
            return model.transform(networks, scale(asked), tools)
        return model.sample(networks, count, asked, tools)

    return networks, make


def _inference_networks(built: Built) -> Networks:
    return {name: built.networks[name] for name in built.model.inference}


class _AtTheEnd:
    """A callback that is called once, after the last step."""

    every = 0

    def __init__(self, call: Callable[[Arrays], object]) -> None:
        self._call = call

    def __call__(self, step: int, weights: Arrays, last: bool) -> None:
        self._call(weights)


def check_samples(images: np.ndarray, shape: Shape, where: str = "") -> None:
    """Raises CheckFailed for samples that are not COUNT images of this shape (H, W, C), or not finite."""
    expected = (COUNT, *shape)
    if images.shape != expected:
        raise CheckFailed(
            f"samples of shape {expected}{where}", f"{images.shape}", "return `count` images (N, H, W, C)"
        )
    if not np.isfinite(images).all():
        seen = f"{np.isnan(images).sum()} NaN and {np.isinf(images).sum()} infinite of {images.size} values"
        raise CheckFailed(f"finite samples{where}", seen, "end the network in a bounded activation, such as tanh")
