"""Checks of a feature network: that the features of an image are its own, and the same for everybody."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from zoo_core.data import load_dataset
from zoo_core.data.dataset import Dataset
from zoo_core.discovery import one_line
from zoo_core.errors import ZooError
from zoo_core.features import ClassifyingNetwork, FeatureNetwork
from zoo_core.features.loading import check_network
from zoo_core.isolation import fresh_random_state
from zoo_core.registry import RegisteredTarget, registry
from zoo_core.specs import FeatureSpec
from zoo_core.testing.checked import Checked, needs, shared
from zoo_core.testing.global_state import watched
from zoo_core.testing.results import CheckFailed, CheckSkipped

COUNT = 6
SIZES = ((16, 16), (28, 28), (40, 24))
ROUNDING = 1e-4
"""Of what features are large, between batches of different sizes: float32 sums in another order."""


class FeatureSubject(Checked[RegisteredTarget[FeatureSpec]]):
    """A feature network, opened once.

    Args:
        name: as for `--features`.
        weights: a file of its weights, in place of those that it would take itself.
        data: what it is opened for, as for `--data`.
    """

    def __init__(self, name: str, weights: Path | None = None, data: str = "digits") -> None:
        super().__init__(name)
        self.weights = weights
        self._data = data

    def _find(self) -> RegisteredTarget[FeatureSpec]:
        return registry().feature_network(self.name)

    @shared
    def data(self) -> Dataset:
        return load_dataset(self._data)

    @shared
    def network(self) -> FeatureNetwork:
        """Opened once; a refusal with a hint, such as where weights are missing, is no fault."""
        opened = self.registered.load()
        try:
            found = opened(self.data.spec, self.weights)
            check_network(found, self.name, self.data.spec)
        except ZooError as error:
            if error.hint:
                raise CheckSkipped(f"it can't be opened here: {error.message}") from error
            raise CheckFailed("a refusal that says what to do", f"{error.message}", "give the error a hint") from error
        except Exception as error:
            raise CheckFailed(
                "a zoo_core.features.FeatureNetwork with `name`, `weights_sha256` and `runtime`, whose features of 2 "
                "images are float32 (2, D)",
                one_line(error),
                "let the target return one, or raise zoo_core.UsageError for what is missing",
            ) from error
        return found

    @shared
    def features(self) -> np.ndarray:
        """Of `images()`."""
        return self.network.features(images())


def it_opens_as_a_feature_network(subject: FeatureSubject) -> None:
    """The target returns a `FeatureNetwork` with all that a record says of it, or a ZooError says what is missing."""
    needs(subject.network)


def features_are_rows_of_float32(subject: FeatureSubject) -> None:
    """For images of any size, gray or in colour, and of one image alone: float32 (N, D), finite."""
    network = subject.network
    for size in SIZES:
        for channels in (1, 3):
            for count in (COUNT, 1):
                given = images((*size, channels))[:count]
                found = network.features(given)
                seen = f"{getattr(found, 'dtype', type(found).__name__)} {getattr(found, 'shape', '')}"
                if getattr(found, "dtype", None) != np.float32 or found.ndim != 2 or len(found) != count:
                    raise CheckFailed(
                        f"float32 ({count}, D) of images {given.shape}", seen, "return .astype(np.float32)"
                    )
                if not np.isfinite(found).all():
                    wrong = f"{np.count_nonzero(~np.isfinite(found))} of {found.size} values are not"
                    raise CheckFailed(f"finite features of images {given.shape}", wrong, "look for a division by 0")


def features_do_not_depend_on_the_batch(subject: FeatureSubject) -> None:
    """An image has the same features whatever it comes with: they are computed once, and kept."""
    whole = subject.features
    allowed = ROUNDING * max(float(np.abs(whole).max()), 1e-6)
    for first, last in ((0, 1), (2, 5)):
        difference = np.abs(subject.network.features(images()[first:last]) - whole[first:last]).max()
        if difference > allowed:
            raise CheckFailed(
                f"images {first} to {last - 1} to have the same features among {COUNT} images and without the others",
                f"a difference of {difference:.2g}, features being at most {np.abs(whole).max():.2g}",
                "compute no mean or norm over the batch, and call networks with training=False",
            )


def features_are_the_same_again(subject: FeatureSubject) -> None:
    """From the same network and from one that is opened anew, whatever the random state: scores must repeat."""
    whole, opened = subject.features, subject.registered.load()
    with fresh_random_state():
        for what, network in (
            ("when computed again", subject.network),
            ("of a network opened anew", opened(subject.data.spec, subject.weights)),
        ):
            if not np.array_equal(network.features(images()), whole):
                raise CheckFailed(
                    f"the same features {what}", "others", "draw initial weights, and whatever is random, from a seed"
                )


def features_tell_images_apart(subject: FeatureSubject) -> None:
    """Features that are the same for all images make every distance 0."""
    if len(np.unique(subject.features, axis=0)) < 2:
        raise CheckFailed("other features for other images", f"the same ones for all of {COUNT}", "look at the images")


def images_are_left_as_they_are(subject: FeatureSubject) -> None:
    """Metrics look at the same array afterwards."""
    given = images()
    needs(subject.network.features(given))
    if not np.array_equal(given, images()):
        raise CheckFailed("images that stay as they are", "changed ones", "compute in a copy, such as images / 255")


def logits_belong_to_the_classes(subject: FeatureSubject) -> None:
    """Of a `ClassifyingNetwork` there is a finite logit for each of its classes."""
    network = subject.network
    if not isinstance(network, ClassifyingNetwork):
        raise CheckSkipped("the network does not classify")
    found: Any = network.logits(subject.features)
    width = len(network.classes) or (found.shape[1] if found.ndim == 2 else 0)
    if found.shape != (COUNT, width) or not np.isfinite(found).all():
        raise CheckFailed(
            f"finite logits ({COUNT}, {width}), one for each class",
            f"{found.dtype} {found.shape}",
            "return one logit for each name in `classes`",
        )


def files_that_hold_no_weights_are_refused(subject: FeatureSubject) -> None:
    """What people type after `--weights` may be any file, and is never run."""
    needs(subject.network)
    with TemporaryDirectory(prefix="zoo-") as folder:
        path = Path(folder) / "weights.h5"
        path.write_bytes(b"no weights at all")
        for weights in (path, path.with_name("missing.h5")):
            try:
                subject.registered.load()(subject.data.spec, weights)
            except ZooError:
                continue
            except Exception as error:
                seen = f"{type(error).__name__}: {error}"
            else:
                seen = "it was taken"
            raise CheckFailed(
                f"zoo_core.UsageError for a file that {'holds none' if weights == path else 'is not there'}",
                seen,
                "raise zoo_core.UsageError for weights that are not wanted, and for a file that is not theirs",
            )


def opening_leaves_the_process_as_it_was(subject: FeatureSubject) -> None:
    """Random states, environment, warnings and Keras' settings are everybody's."""
    needs(subject.network)  # what is imported the first time, and by whom, is another matter
    opened, changed = subject.registered.load(), set[str]()
    with watched(changed):
        needs(opened(subject.data.spec, subject.weights).features(images()))
    if changed:
        raise CheckFailed(
            "opening and computing to leave the process as it was",
            f"{' and '.join(sorted(changed))} changed",
            "give layers a seed and a dtype of their own, and set nothing for all",
        )


def images(shape: tuple[int, int, int] = (16, 16, 1)) -> np.ndarray:
    """Always the same random ones, uint8 (COUNT, H, W, C); the first is black."""
    drawn = np.random.default_rng(0).integers(0, 256, (COUNT, *shape), "uint8")
    drawn[0] = 0
    return drawn


CHECKS = (
    it_opens_as_a_feature_network,
    features_are_rows_of_float32,
    features_do_not_depend_on_the_batch,
    features_are_the_same_again,
    features_tell_images_apart,
    images_are_left_as_they_are,
    logits_belong_to_the_classes,
    files_that_hold_no_weights_are_refused,
    opening_leaves_the_process_as_it_was,
)
