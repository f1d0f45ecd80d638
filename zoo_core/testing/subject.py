"""One model under check, and what its checks have in common."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from zoo_core.data import Dataset, Feeder
from zoo_core.errors import UnsupportedShape
from zoo_core.models import Tensor, Tools
from zoo_core.options import Options
from zoo_core.registry import RegisteredModel, registry
from zoo_core.runs import RunDescription, RunFolder
from zoo_core.sampling.sampler import Sampler
from zoo_core.specs import DataSpec, ModelSpec
from zoo_core.testing.results import CheckFailed, CheckSkipped
from zoo_core.testing.tiny import CLASSES, SHAPES, Shape, noise_images, smallest_options
from zoo_core.testing.trial import Seen, Trial
from zoo_core.training import session
from zoo_core.training.backends import Arrays
from zoo_core.training.build import Built, build
from zoo_core.training.engine import Engine, compile_inference
from zoo_core.training.log import Report
from zoo_core.training.options import TrainingOptions

SEED = 0
BATCH = 4
STEPS = 4
MIDDLE = 2
"""The step of a tiny run's first checkpoint."""

COUNT = 5
"""Samples that are looked at, more than one batch of 2 and no multiple of it."""

Made = TypeVar("Made")
Draw = Callable[[np.ndarray, int, np.ndarray], np.ndarray]
"""`draw(numbers, seed, labels)`: the images with these numbers (N,), float (N, H, W, C) as the model gives them."""


class shared(Generic[Made]):
    """A property that is made when it is first asked for. Where that fails, it raises the same exception every time."""

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, subject: "Subject", owner: type) -> Made:
        made = subject.made
        if self._name not in made:
            try:
                made[self._name] = self._make(subject), None
            except Exception as error:
                made[self._name] = None, error
        value, failure = made[self._name]
        if failure is not None:
            raise failure
        return value


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


class Subject:
    """A model and what checks share of it: tiny data, one look at its losses, one tiny run, a few samples.

    Args:
        name: as for `zoo train`.
        options: of the model; by default those of `smallest_options`.

    Attributes:
        made: what is shared, by name, with the exception that it ended in.
        changed: the pieces of global state that the model was seen to change.
    """

    def __init__(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.given = dict(options or {})
        self.made: dict[str, tuple[Any, Exception | None]] = {}
        self.changed: set[str] = set()
        self._faults: dict[int, tuple[BaseException, str]] = {}

    def finder(self, error: BaseException, check: str) -> str:
        """The check that met this exception first: `check`, unless it was another."""
        return self._faults.setdefault(id(error), (error, check))[1]

    @shared
    def registered(self) -> RegisteredModel:
        return registry().model(self.name)

    @property
    def spec(self) -> ModelSpec:
        return self.registered.spec

    @property
    def generates(self) -> bool:
        return "generate" in self.spec.tasks

    @property
    def conditional(self) -> bool:
        return self.spec.labels == "required"

    @shared
    def options(self) -> Options:
        return smallest_options(self.registered.load()[1], self.given, f"model '{self.name}'")

    @shared
    def attempts(self) -> dict[Shape, Exception | None]:
        """For each shape, None where networks could be built."""
        needs(self.options)
        return {shape: self._attempt(noise_images(shape).spec) for shape in SHAPES}

    @shared
    def shape(self) -> Shape:
        """The smallest that networks can be built for."""
        for shape, error in self.attempts.items():
            if error is None:
                return shape
        refusals = "; ".join(f"{_text(shape)}: {error}" for shape, error in self.attempts.items())
        raise CheckFailed(
            f"networks at one of {', '.join(map(_text, SHAPES))} at least",
            refusals,
            "let `networks` follow `data.image_shape`",
        )

    @shared
    def data(self) -> Dataset:
        return noise_images(self.shape)

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
            return session.Attached(callbacks=[_AtTheEnd(lambda weights: images.append(self._images(built, weights)))])

        training = {"steps": STEPS, "batch_size": BATCH, "checkpoint_every": MIDDLE, "log_every": 1, "ema": 0.5}
        with TemporaryDirectory(prefix="zoo-") as folder:
            session.start(
                self.name,
                self.data,
                Path(folder),
                seed=SEED,
                options=self.options.model_dump(),
                training=training,
                surroundings=session.Surroundings("cpu", attach if self.generates else None),
            )
            paths = [path for path in Path(folder).rglob("*") if path.is_file()]
            files = {str(path.relative_to(folder)): path.read_bytes() for path in paths}
        return TinyRun(files, images[0] if images else None)

    @shared
    def draw(self) -> Draw:
        """Draws from the tiny run, as it was loaded from its folder."""
        if not self.generates:
            raise CheckSkipped("the model has not the task 'generate'")
        with self.run.unpacked() as run:
            weights = Sampler.load(run.path).weights
        return partial(self.drawing(self.build()), weights)

    @shared
    def images(self) -> np.ndarray:
        """Images number 0 to COUNT of one seed; see `Draw`."""
        images = self.draw(np.arange(COUNT), 1, every_class(COUNT))
        expected = (COUNT, *self.shape)
        if images.shape != expected:
            raise CheckFailed(f"samples of shape {expected}", f"{images.shape}", "return `count` images (N, H, W, C)")
        if not np.issubdtype(images.dtype, np.floating):
            raise CheckFailed("samples of a floating type", f"{images.dtype}", "return images in [-1, 1], not levels")
        if not np.isfinite(images).all():
            seen = f"{np.isnan(images).sum()} NaN and {np.isinf(images).sum()} infinite of {images.size} values"
            raise CheckFailed("finite samples", seen, "end the network in a bounded activation, such as tanh")
        if np.abs(images).max() > 1 + 1e-6:
            seen = f"values in [{images.min():.3g}, {images.max():.3g}]"
            raise CheckFailed("samples in [-1, 1]", seen, "end the network in a bounded activation, such as tanh")
        return images

    def drawing(self, built: Built) -> Callable[[Arrays, np.ndarray, int, np.ndarray], np.ndarray]:
        """A `Draw`, with the weights of these networks as its first argument; compiled as `Sampler` does."""
        networks = {name: built.networks[name] for name in built.model.inference}
        model: Any = built.model  # which tasks it has, its spec tells

        def sample(tools: Tools, count: int, asked: Tensor | None = None) -> Tensor:
            return model.sample(networks, count, asked, tools)

        compiled = compile_inference(networks, sample)

        def draw(weights: Arrays, numbers: np.ndarray, seed: int, labels: np.ndarray) -> np.ndarray:
            asked = (labels,) if self.conditional else ()
            return compiled(weights, seed, numbers.astype("int32"), *asked)

        return draw

    def _images(self, built: Built, weights: Arrays) -> np.ndarray:
        return self.drawing(built)(weights, np.arange(COUNT), 1, every_class(COUNT))

    def _attempt(self, data: DataSpec) -> Exception | None:
        try:
            self.build(data)
        except UnsupportedShape as refusal:
            return refusal
        except Exception as error:
            return error
        return None


class _AtTheEnd:
    """A callback that is called once, after the last step."""

    every = 0

    def __init__(self, call: Callable[[Arrays], object]) -> None:
        self._call = call

    def __call__(self, step: int, weights: Arrays, last: bool) -> None:
        self._call(weights)


def needs(*made: object) -> None:
    """Names what a check, or something that checks share, can't do without; to ask for it is to have it made."""


def every_class(count: int) -> np.ndarray:
    """Of every class in turn, int32 (count,)."""
    return np.arange(count, dtype="int32") % len(CLASSES)


def _text(shape: Shape) -> str:
    return "x".join(map(str, shape))
