"""Every check of feature networks has one, broken on purpose, that fails it and no other. Mended, it is the good
one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo_core.testing import check_features
from zoo_core.testing.features import FeatureSubject
from zoo_core.testing.kit import FEATURE_CHECKS, perform
from zoo_core.testing.results import CheckFailed

INIT = """
import zoo_core

@zoo_core.hookimpl
def zoo_features():
    yield zoo_core.FeatureSpec(name="toy", summary="Features for tests", target="zoo_toy.network:open_toy")
"""

NETWORK = """
import numpy as np

import zoo_core
from zoo_core.features import ClassifyingNetwork


class Toy(ClassifyingNetwork):
    name, weights_sha256, runtime = "toy", None, "numpy"
    classes = ("left", "right")
    scale = 1.0

    def features(self, images):
        halves = np.array_split(images, 2, axis=2)
        means = np.stack([half.mean(axis=(1, 2, 3)) for half in halves], axis=1)
        return (self.scale * means).astype(np.float32)

    def logits(self, features):
        return features


def open_toy(data, weights):
    if weights is not None:
        raise zoo_core.UsageError("This network has no weights.", "Leave --weights out.")
    return Toy()
"""

HALVES = "halves = np.array_split(images, 2, axis=2)"

Replacement = tuple[str, str, str]

BROKEN: dict[str, tuple[str, str, tuple[Replacement, ...]]] = {
    "is no network": (
        "it_opens_as_a_feature_network",
        "TypeError: expected a zoo_core.features.FeatureNetwork, received 3",
        (("network", "return Toy()", "return 3"),),
    ),
    "has another name than its record": (
        "it_opens_as_a_feature_network",
        "its name must be 'toy', or that and more after ':' or '@', received 'toys'",
        (("network", '"toy"', '"toys"'),),
    ),
    "refuses and does not say what to do": (
        "it_opens_as_a_feature_network",
        "Expected a refusal that says what to do. Seen: No weights.",
        (("network", "return Toy()", "raise zoo_core.UsageError('No weights.')"),),
    ),
    "has doubles in colour": (
        "features_are_rows_of_float32",
        "Expected float32 (6, D) of images (6, 16, 16, 3). Seen: float64 (6, 2).",
        (("network", "np.float32", "np.float32 if images.shape[3] == 1 else np.float64"),),
    ),
    "subtracts the mean of the batch": (
        "features_do_not_depend_on_the_batch",
        "compute no mean or norm over the batch",
        (("network", "return (self.scale * means)", "return (means - means.mean(axis=0) * (len(means) > 2))"),),
    ),
    "draws its weights": (
        "features_are_the_same_again",
        "Expected the same features of a network opened anew. Seen: others.",
        (("network", "scale = 1.0", "def __init__(self): self.scale = np.random.default_rng().uniform(1, 2)"),),
    ),
    "sees nothing": (
        "features_tell_images_apart",
        "Seen: the same ones for all of 6.",
        (("network", "scale = 1.0", "scale = 0.0"),),
    ),
    "changes the images": (
        "images_are_left_as_they_are",
        "compute in a copy, such as images / 255",
        (("network", HALVES, f"images //= 2\n        {HALVES}"),),
    ),
    "has infinite logits": (
        "logits_belong_to_the_classes",
        "Expected finite logits (6, 2), one for each class.",
        (("network", "return features\n", "return np.where(features > 1, np.inf, features).astype(np.float32)\n"),),
    ),
    "takes any file": (
        "files_that_hold_no_weights_are_refused",
        "Seen: it was taken.",
        (("network", "if weights is not None:", "if False:"),),
    ),
    "falls over a file": (
        "files_that_hold_no_weights_are_refused",
        "Seen: ValueError: ",
        (
            (
                "network",
                'raise zoo_core.UsageError("This network has no weights.", "Leave --weights out.")',
                "np.load(weights)",
            ),
        ),
    ),
    "seeds NumPy for all": (
        "opening_leaves_the_process_as_it_was",
        "the random state of NumPy changed",
        (("network", "return Toy()", "np.random.seed(0)\n    return Toy()"),),
    ),
}


@pytest.fixture
def install(make_plugin: Callable[..., Path]) -> Callable[..., FeatureSubject]:
    """`install((file, text, other), …)`: the plugin `toy`, in its files texts replaced by others."""

    def install(*replacements: Replacement) -> FeatureSubject:
        files = {"init": INIT, "network": NETWORK}
        for file, text, other in replacements:
            assert text in files[file]
            files[file] = files[file].replace(text, other)
        make_plugin("toy", files["init"], modules={"network": files["network"]})
        return FeatureSubject("toy")

    return install


@pytest.mark.parametrize(("named", "told", "replacements"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_broken_fails_by_name(
    install: Callable[..., FeatureSubject], named: str, told: str, replacements: tuple[Replacement, ...]
):
    subject = install(*replacements)
    failed = {}
    for check in FEATURE_CHECKS[1:]:  # the first one's toy is among the models
        try:
            perform(check, subject)
        except CheckFailed as failure:
            failed[check.__name__] = str(failure)
        except Exception:  # what can't be opened can't be looked at
            assert named in failed
    assert list(failed) == [named]
    assert told in failed[named]


def test_mended_it_passes(install: Callable[..., FeatureSubject]):
    install()
    assert {result.check: result.outcome for result in check_features("toy")} == {
        check.__name__: "passed" for check in FEATURE_CHECKS
    }


def test_a_network_that_does_not_classify_passes(install: Callable[..., FeatureSubject]):
    subject = install(("network", "ClassifyingNetwork", "FeatureNetwork"))
    for check in FEATURE_CHECKS[1:]:
        if check.__name__ != "logits_belong_to_the_classes":
            perform(check, subject)


def test_weights_that_are_missing_are_no_fault(install: Callable[..., FeatureSubject]):
    install(("network", "return Toy()", "raise zoo_core.UsageError('No weights.', 'Give some: --weights FILE.')"))
    results = {result.check: result for result in check_features("toy")}
    assert {result.outcome for name, result in results.items() if name != "entry_module_imports_no_keras"} == {
        "skipped"
    }
    assert "No weights." in results["features_are_rows_of_float32"].message
