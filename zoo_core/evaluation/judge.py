"""Who picks the best checkpoint: a distance to held-out images, measured now and then while a model trains."""

from functools import cached_property
from pathlib import Path

from zoo_core.data import Dataset
from zoo_core.data.sources import without_splits
from zoo_core.errors import UsageError
from zoo_core.evaluation.frechet import acronym_of
from zoo_core.evaluation.generation import generate, transform
from zoo_core.evaluation.images import ArrayImages, Images
from zoo_core.evaluation.metric import key_of
from zoo_core.evaluation.statistics import Gaussian, frechet_distance, gaussian_statistics
from zoo_core.features import load_features
from zoo_core.sampling.sampler import Sampler
from zoo_core.specs import AUTO
from zoo_core.training.backends import Arrays
from zoo_core.training.selection import PREFIX

MOST = 2000
"""Generated images at most: a look should take seconds."""

SEED = 1
"""Of their noise. Scores are from seed 0 where nobody says otherwise: not from noise that the best was chosen by."""


class HeldOutScore:
    """A `zoo_core.training.selection.Judge`: the Fréchet distance of generated images to those of the split
    "validation".

    As many images are generated as there are held-out ones, at most 2,000, always from the same noise; a model that
    makes them from inputs gets those of this split. Few images make the distance too large, but all checkpoints alike.

    Args:
        sampler: of the model in training; its weights are replaced at each look.
        data: what the model is trained on.
        every: steps between looks.
        features, weights: as `load_features` takes them.

    Raises:
        UsageError: where these images are trained on, or fewer than two, or the features can't be had.
    """

    def __init__(
        self, sampler: Sampler, data: Dataset, every: int, features: str = AUTO, weights: Path | None = None
    ) -> None:
        check_held_out(data.name)
        if (held_out := len(data.images("validation"))) < 2:
            raise UsageError(
                f"To choose by held-out images takes two or more of them; the validation split of '{data.name}' has "
                f"{held_out}.",
                "Leave select_every out of the training options, or bring more images.",
            )
        self.every = every
        self._network = load_features(features, data.spec, weights)
        self.name = PREFIX + key_of(acronym_of(self._network).lower(), self._network)
        self._sampler = sampler
        self._data = data
        self._real = ArrayImages(f"{data.name}#validation", data.images("validation"))
        self._count = min(len(self._real), MOST)

    def __call__(self, weights: Arrays) -> float:
        self._sampler.weights = weights
        found = self._gaussian(self._made())
        real = self._reference
        return frechet_distance(found.mean, found.covariance, real.mean, real.covariance)

    def _made(self) -> Images:
        if self._sampler.spec.translates:
            return transform(self._sampler, self._data, ["validation"], self._count, SEED)
        return generate(self._sampler, self._data, self._count, SEED)

    @cached_property
    def _reference(self) -> Gaussian:
        return self._gaussian(self._real)

    def _gaussian(self, images: Images) -> Gaussian:
        return gaussian_statistics(self._network.features(chunk) for chunk in images.chunks())


def check_held_out(data: str) -> None:
    """Raises UsageError for the name of a data set that trains on the images of the validation split."""
    if "validation" in data.removeprefix(without_splits(data)):
        raise UsageError(
            f"'{data}' trains on the images of the validation split, which would choose the best checkpoint.",
            "Leave select_every out of the training options, or train on the training split alone.",
        )
