"""What a metric is: something to measure in, scores out."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, final

import numpy as np

from zoo_core.errors import UsageError
from zoo_core.evaluation.images import Images
from zoo_core.evaluation.intervals import Rated
from zoo_core.evaluation.record import Score
from zoo_core.evaluation.sample import Sample
from zoo_core.features import FeatureNetwork
from zoo_core.training.log import Report

Need = Literal["samples", "labels", "reconstructions", "likelihood"]


class NotApplicable(UsageError):
    """Raised by a metric for what it can't measure; the message says why."""


@dataclass(frozen=True)
class Likelihoods:
    """What a model says of the probability of reference images.

    Args:
        nats: (N,) float64, log-likelihoods.
        kind: "exact" or "lower bound".
        pixels: what distribution it is of: "discrete" for 256 levels, else a name of its own.
    """

    nats: np.ndarray
    kind: str
    pixels: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluand:
    """What there is to measure. All images have one shape (H, W, C).

    Args:
        network: the feature network.
        reference: real images that the model is compared with.
        generated: the images to be judged; their labels are the classes that they were asked to show.
        real: other real images than the reference's, as many as there are generated ones if there are so many: what
            they score is the floor.
        floor_reference: what `real` is compared with; by default the reference.
        training: the images that the model was trained on.
        pairs: originals and their reconstructions.
        likelihoods: of the reference images.
        report: is told how measuring goes that takes minutes.

    Raises:
        UsageError: for images of several shapes.
    """

    network: FeatureNetwork
    reference: Sample
    generated: Sample | None = None
    real: Sample | None = None
    floor_reference: Sample | None = None
    training: Sample | None = None
    pairs: tuple[Images, Images] | None = None
    likelihoods: Likelihoods | None = None
    report: Report | None = None

    def __post_init__(self) -> None:
        shape = self.reference.images.shape
        samples = (self.generated, self.real, self.training)
        for images in [*(sample.images for sample in samples if sample), *(self.pairs or ())]:
            if images.shape != shape:
                raise UsageError(
                    f"'{images.name}' has images of {_size(images.shape)}, the reference of {_size(shape)}.",
                    "Bring one to the size of the other, such as --against SET@SIZE or folder:PATH@HEIGHTxWIDTH.",
                )
        if self.pairs and len(self.pairs[0]) != len(self.pairs[1]):
            raise UsageError(f"Expected pairs, received {len(self.pairs[0])} originals, {len(self.pairs[1])} others.")


class Metric(abc.ABC):
    """One way to score an evaluand.

    Attributes:
        name: what people type.
        needs: "samples" are generated images; "labels" generated images and the classes asked for;
            "reconstructions" pairs of images; "likelihood" what the model says of reference images.
        ideal: what images score that are the reference themselves, in another order, or are perfectly reconstructed;
            None where that is no fixed number.
        keys: how the keys of its scores begin, which may go on after "_"; by default with its name, as those of a
            third party's metric always do.
        compares: whether it looks at reference images, which its scores then count.
    """

    name: str
    needs: Need
    ideal: float | None = None
    keys: tuple[str, ...] = ()
    compares: bool = True

    @abc.abstractmethod
    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        """Measure. Scores under different keys must not be compared.

        Raises:
            NotApplicable: where the evaluand lacks what the metric needs.
        """


class Floor(NamedTuple):
    """What `n_real` real images score, against `n_reference` others where their number matters."""

    value: float
    n_real: int
    n_reference: int | None = None


class SampleMetric(Metric):
    """A metric of a set of images. The floor is what other real images score by the same rule, against the same
    reference and, where there are so many, of the same number."""

    needs: Need = "samples"

    @abc.abstractmethod
    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        """The scores of these images, by key.

        Raises:
            NotApplicable: where they can't be measured.
        """

    @final
    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        if evaluand.generated is None:
            raise NotApplicable(f"'{self.name}' needs generated images, and there are none.")
        rated = self.measure(evaluand.generated, evaluand)
        floors = self._floors(evaluand)
        return {key: score(value, len(evaluand.generated), floors.get(key)) for key, value in rated.items()}

    def _floors(self, evaluand: Evaluand) -> dict[str, Floor]:
        real = evaluand.real
        if real is None or (self.needs == "labels" and real.images.labels is None):
            return {}
        among_real = replace(evaluand, reference=evaluand.floor_reference or evaluand.reference)
        try:
            rated = self.measure(real, among_real)
        except NotApplicable:  # too few of them, which takes nothing from the score itself
            return {}
        return {key: Floor(one.estimate.value, len(real), one.n_reference) for key, one in rated.items()}


def key_of(name: str, network: FeatureNetwork) -> str:
    """The key of a score that the literature takes from Inception features: those alone give the bare name."""
    return name if network.name == "inception" else f"{name}_{network.label}"


def label_of(label: str, network: FeatureNetwork) -> str:
    """As `key_of`, for people."""
    return label if network.name == "inception" else f"{label} ({network.label})"


def score(rated: Rated, n_generated: int, floor: Floor | None = None) -> Score:
    """What a metric found, as the record keeps it."""
    estimate = rated.estimate
    return Score(
        value=estimate.value,
        label=rated.label,
        better=rated.better,
        n_generated=n_generated,
        n_reference=rated.n_reference,
        standard_error=estimate.standard_error,
        interval=estimate.interval,
        interval_method=estimate.method,
        floor=floor and floor.value,
        n_floor=floor and floor.n_real,
        n_floor_reference=floor and floor.n_reference,
    )


def _size(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
