"""Every check of data sets has one, broken on purpose, that fails it and no other. Mended, it is the good one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from zoo_core.testing import check_dataset
from zoo_core.testing.datasets import DatasetSubject
from zoo_core.testing.kit import DATASET_CHECKS, perform
from zoo_core.testing.results import CheckFailed

INIT = """
import zoo_core

@zoo_core.hookimpl
def zoo_datasets():
    yield zoo_core.DatasetSpec(
        name="toy",
        summary="A data set for tests",
        target="zoo_toy.data:load",
        shape=(8, 8, 1),
        classes=("dark", "bright"),
        splits={"train": 12, "validation": 4, "test": 4},
        origin="zoo-toy",
    )
"""

DATA = """
import os
import urllib.request

import numpy as np

import zoo_core
from zoo_core.data import Split


def load(spec, data_dir):
    splits = {}
    for seed, (name, count) in enumerate(spec.splits.items()):
        rng = np.random.default_rng(seed)
        labels = np.arange(count, dtype=np.int32) % 2
        images = rng.integers(0, 100, (count, *spec.shape)) + 150 * labels[:, None, None, None]
        splits[name] = Split(images.astype(np.uint8), labels)
    return zoo_core.Dataset(spec.name, splits, spec.classes)


def at_hand(spec, data_dir):
    path = os.path.expanduser("~/toy.npz")
    return path if os.path.exists(path) else None
"""

SEEDED = "rng = np.random.default_rng(seed)"
SPLIT = "splits[name] = Split(images.astype(np.uint8), labels)"
FETCH = """if not at_hand(spec, data_dir):
        urllib.request.urlopen("https://example.org/toy.npz")
    splits = {}"""
CAUGHT = """if not at_hand(spec, data_dir):
        try:
            urllib.request.urlopen("https://example.org/toy.npz")
        except OSError as error:
            raise zoo_core.ZooError(f"No toy.npz: {error}.", "Put toy.npz into your home folder.") from error
    splits = {}"""
DOWNLOADED = ("init", 'origin="zoo-toy"', 'origin="us", download="by zoo-toy", at_hand="zoo_toy.data:at_hand"')

Replacement = tuple[str, str, str]

BROKEN: dict[str, tuple[str, str, tuple[Replacement, ...]]] = {
    "imports Keras at every start": (
        "entry_module_imports_no_keras",
        "move the model and whatever needs Keras to modules of their own",
        (("init", "import zoo_core", "import keras\nimport zoo_core"),),
    ),
    "has images of floats": (
        "it_loads_as_a_data_set",
        "train images must be uint8 (N, H, W, C) with C 1 or 3, received float64",
        (("data", "images.astype(np.uint8)", "images / 255"),),
    ),
    "counts classes from 1": (
        "it_loads_as_a_data_set",
        "train labels must lie in [0, 1], received [1, 2]",
        (("data", "% 2\n", "% 2 + 1\n"),),
    ),
    "returns its splits": (
        "it_loads_as_a_data_set",
        "Expected a zoo_core.Dataset. Seen: a dict.",
        (("data", "return zoo_core.Dataset(spec.name, splits, spec.classes)", "return splits"),),
    ),
    "has fewer images than it says": (
        "it_is_what_its_record_says",
        "Expected the splits of the record, {'train': 12, 'validation': 4, 'test': 4}. Seen: {'train': 10, 'validatio",
        (("data", SEEDED, f"{SEEDED}\n        count -= 2"),),
    ),
    "has another shape than it says": (
        "it_is_what_its_record_says",
        "Expected the shape of the record, (8, 8, 1). Seen: (8, 4, 1).",
        (("data", SPLIT, f"images = images[:, :, :4]\n        {SPLIT}"),),
    ),
    "draws all splits from one seed": (
        "splits_share_no_image",
        "Expected no image in both train and validation. Seen: 4 in both.",
        (("data", SEEDED, "rng = np.random.default_rng(0)"),),
    ),
    "names a class that nothing shows": (
        "every_class_has_images",
        "Seen: none of gray.",
        (("init", '("dark", "bright")', '("dark", "bright", "gray")'),),
    ),
    "has pixels of 0 and 1": (
        "images_use_the_levels",
        "Expected images of 256 levels. Seen: values from 0 to 1.",
        (("data", "images.astype(np.uint8)", "(images % 2).astype(np.uint8)"),),
    ),
    "comes in another order every time": (
        "loading_again_gives_the_same_images",
        "Seen: other images of train.",
        (("data", SPLIT, f"order = np.random.default_rng().permutation(count)\n        {SPLIT}.take(order)"),),
    ),
    "depends on the process": (
        "a_new_process_loads_the_same",
        "let nothing depend on hash(), the time or the order of a set",
        (("data", SEEDED, "rng = np.random.default_rng(abs(hash(name)))"),),
    ),
    "is fetched and does not say so": (
        "without_a_network_it_loads_or_says_what_to_do",
        "Expected a set without a `download` in its record to load without a network. Seen: URLError: <urlopen error",
        (("data", "splits = {}", FETCH),),
    ),
    "crashes without a network": (
        "without_a_network_it_loads_or_says_what_to_do",
        "catch what the download raises, and raise zoo_core.ZooError(message, hint) from it",
        (DOWNLOADED, ("data", "splits = {}", FETCH)),
    ),
    "seeds NumPy for all": (
        "loading_leaves_the_process_as_it_was",
        "the random state of NumPy changed",
        (("data", "splits = {}", "splits = {}\n    np.random.seed(0)"),),
    ),
}

IN_PROCESSES = {
    "entry_module_imports_no_keras",
    "a_new_process_loads_the_same",
    "without_a_network_it_loads_or_says_what_to_do",
}
"""Checks that start one: a toy that is broken elsewhere is spared them."""


@pytest.fixture
def install(
    make_plugin: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., DatasetSubject]:
    """`install((file, text, other), …)`: the plugin `toy`, in its files texts replaced by others, and its file at
    home."""
    (tmp_path / "toy.npz").touch()
    monkeypatch.setenv("HOME", str(tmp_path))

    def install(*replacements: Replacement) -> DatasetSubject:
        files = {"init": INIT, "data": DATA}
        for file, text, other in replacements:
            assert text in files[file]
            files[file] = files[file].replace(text, other)
        make_plugin("toy", files["init"], modules={"data": files["data"]})
        return DatasetSubject("toy")

    return install


@pytest.mark.parametrize(("named", "told", "replacements"), BROKEN.values(), ids=list(BROKEN))
def test_what_is_broken_fails_by_name(
    install: Callable[..., DatasetSubject], named: str, told: str, replacements: tuple[Replacement, ...]
):
    subject = install(*replacements)
    failed = {}
    for check in DATASET_CHECKS:
        if check.__name__ == named or check.__name__ not in IN_PROCESSES:
            try:
                perform(check, subject)
            except CheckFailed as failure:
                failed[check.__name__] = str(failure)
            except Exception:  # what can't be loaded can't be looked at
                assert named in failed
    assert list(failed) == [named]
    assert told in failed[named]


def test_mended_it_passes(install: Callable[..., DatasetSubject]):
    install()
    assert {result.check: result.outcome for result in check_dataset("toy")} == {
        check.__name__: "passed" for check in DATASET_CHECKS
    }


def test_a_set_that_is_fetched_passes_where_it_says_what_to_do(install: Callable[..., DatasetSubject]):
    install(DOWNLOADED, ("data", "splits = {}", CAUGHT))
    assert [result for result in check_dataset("toy") if result.outcome != "passed"] == []


def test_what_is_not_at_hand_is_not_fetched(install: Callable[..., DatasetSubject], tmp_path: Path):
    install(DOWNLOADED, ("data", "splits = {}", CAUGHT))
    (tmp_path / "toy.npz").unlink()
    outcomes = {result.check: result for result in check_dataset("toy")}
    assert outcomes["splits_share_no_image"].outcome == "skipped"
    assert "have to be had by zoo-toy" in outcomes["splits_share_no_image"].message
    assert outcomes["without_a_network_it_loads_or_says_what_to_do"].outcome == "passed"


def test_a_set_without_labels_passes(install: Callable[..., DatasetSubject]):
    subject = install(
        ("init", '("dark", "bright")', "()"),
        ("data", "Split(images.astype(np.uint8), labels)", "Split(images.astype(np.uint8), None)"),
    )
    for check in DATASET_CHECKS:
        if check.__name__ not in {*IN_PROCESSES, "every_class_has_images"}:
            perform(check, subject)
    assert subject.dataset.labels("train") is None
    assert subject.dataset.images("train").dtype == np.uint8
