"""Checks of a data set: that its record is true, and that everyone who loads it gets the same images."""

import json
import os
import site
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from zoo_core.data import SPLITS, Dataset
from zoo_core.data.named import at_hand
from zoo_core.registry import RegisteredTarget, registry
from zoo_core.specs import DatasetSpec
from zoo_core.testing.checked import Checked, needs, shared
from zoo_core.testing.global_state import watched
from zoo_core.testing.results import CheckFailed, CheckSkipped

SHARED = 0.001
"""The share of a split that may be in another one too: well-known sets have a few images twice."""

SECONDS = 300
"""What a process that loads a set may take at most."""

LOAD = """
import json, sys
from pathlib import Path
from zoo_core.discovery import one_line
from zoo_core.errors import ZooError
from zoo_core.registry import registry

name, folder, network = json.loads(sys.argv[1])
if not network:
    import socket

    def refuse(*arguments, **settings):
        raise OSError("there is no network")

    socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
dataset = registry().dataset(name)
try:
    found = {"content_hash": dataset.load()(dataset.spec, Path(folder) if folder else None).spec.content_hash}
except ZooError as error:
    found = {"message": error.message, "hint": error.hint}
except Exception as error:
    found = {"message": one_line(error), "hint": ""}
print()
print(json.dumps(found))
"""


class DatasetSubject(Checked[RegisteredTarget[DatasetSpec]]):
    """A data set, loaded once.

    Args:
        name: as for `--data`, without a size.
        data_dir: the folder of local copies; by default that of ZOO_DATA_DIR.
    """

    def __init__(self, name: str, data_dir: Path | None = None) -> None:
        super().__init__(name)
        self.data_dir = data_dir

    def _find(self) -> RegisteredTarget[DatasetSpec]:
        return registry().dataset(self.name)

    @property
    def spec(self) -> DatasetSpec:
        return self.registered.spec

    @shared
    def dataset(self) -> Dataset:
        """As the plugin's function gives it."""
        if at_hand(self.registered, self.data_dir) is None:
            raise CheckSkipped(f"the images are not at hand, and have to be had {self.spec.download}")
        load = self.registered.load()
        try:
            found = load(self.spec, self.data_dir)
        except Exception as error:
            raise CheckFailed(
                "uint8 images (N, H, W, C) in each of train, validation and test, and int32 labels from 0",
                f"{type(error).__name__}: {error}",
                "let the target return zoo_core.Dataset(spec.name, splits, spec.classes)",
            ) from error
        if not isinstance(found, Dataset):
            raise CheckFailed(
                "a zoo_core.Dataset",
                f"a {type(found).__name__}",
                "let the target return zoo_core.Dataset(spec.name, splits, spec.classes)",
            )
        return found

    def load_elsewhere(self, home: str | None = None) -> dict[str, Any]:
        """What a new process says that loads it.

        Args:
            home: a folder in place of the user's own, with neither local copies nor a network.
        """
        folder = str(self.data_dir) if self.data_dir and not home else ""
        environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONUSERBASE": site.getuserbase()}
        if home:
            environment |= dict.fromkeys(("HOME", "USERPROFILE", "XDG_CACHE_HOME", "KERAS_HOME"), home)
            environment.pop("ZOO_DATA_DIR", None)
        command = [sys.executable, "-W", "ignore", "-c", LOAD, json.dumps([self.name, folder, home is None])]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            raise CheckFailed(
                "a new process to load it", said[-1] if said else f"exit code {done.returncode}", "see that message"
            )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def it_loads_as_a_data_set(subject: DatasetSubject) -> None:
    """The target returns a `zoo_core.Dataset`, which takes nothing but uint8 images of one shape, and int32 labels that
    have a class, or none at all."""
    needs(subject.dataset)


def it_is_what_its_record_says(subject: DatasetSubject) -> None:
    """People choose by the record, before anything is loaded: shape, classes and the numbers of images."""
    dataset, spec = subject.dataset, subject.spec
    for what, said, seen in (
        ("shape", (*(spec.native or spec.shape[:2]), spec.shape[2]), dataset.images("train").shape[1:]),
        ("classes", tuple(spec.classes), dataset.classes),
        ("splits", dict(spec.splits), {split: len(dataset.images(split)) for split in SPLITS}),
    ):
        if said != seen:
            raise CheckFailed(f"the {what} of the record, {said}", f"{seen}", f"correct `{what}` of the DatasetSpec")


def splits_share_no_image(subject: DatasetSubject) -> None:
    """A test image that was trained on flatters every score."""
    images = {split: {image.tobytes() for image in subject.dataset.images(split)} for split in SPLITS}
    for one, other in combinations(SPLITS, 2):
        common = len(images[one] & images[other])
        if common > SHARED * min(len(images[one]), len(images[other])):
            raise CheckFailed(
                f"no image in both {one} and {other}",
                f"{common} in both",
                "give each image to one split, and draw synthetic ones from a seed of its own for each split",
            )


def every_class_has_images(subject: DatasetSubject) -> None:
    """A class without images is a name that was forgotten, or a label that starts at 1."""
    labels, classes = subject.dataset.labels("train"), subject.dataset.classes
    if labels is None:
        raise CheckSkipped("the set has no labels")
    if lacking := [classes[number] for number in np.setdiff1d(np.arange(len(classes)), labels)]:
        raise CheckFailed(
            "training images of every class", f"none of {', '.join(lacking)}", "correct labels or classes"
        )


def images_use_the_levels(subject: DatasetSubject) -> None:
    """Images of floats in [0, 1] that became uint8 without a factor are black."""
    images = subject.dataset.images("train")
    low, high = int(images.min()), int(images.max())
    if high <= 1 or low == high:
        raise CheckFailed("images of 256 levels", f"values from {low} to {high}", "bring them to [0, 255] first")


def loading_again_gives_the_same_images(subject: DatasetSubject) -> None:
    """In the same order, too: a seed of a training stands for one order of the images."""
    before, load = subject.dataset, subject.registered.load()
    again = load(subject.spec, subject.data_dir)
    for split in SPLITS:
        for what in ("images", "labels", "inputs"):
            one, other = (getattr(dataset, what)(split) for dataset in (before, again))
            if (one is None) != (other is None) or (one is not None and not np.array_equal(one, other)):
                raise CheckFailed(
                    "the same images, labels and splits whenever it is loaded, in the same order",
                    f"other {what} of {split}",
                    "draw from np.random.default_rng(SEED), and sort what a folder lists",
                )


def a_new_process_loads_the_same(subject: DatasetSubject) -> None:
    """Scores name a data set by its content hash."""
    here = subject.dataset.spec.content_hash
    there = subject.load_elsewhere().get("content_hash")
    if there != here:
        raise CheckFailed(
            f"the content hash {here[:12]} in every process",
            f"{there and there[:12]} in a new one",
            "let nothing depend on hash(), the time or the order of a set",
        )


def without_a_network_it_loads_or_says_what_to_do(subject: DatasetSubject) -> None:
    """In a new process with an empty home folder, no local copies and no network."""
    with TemporaryDirectory(prefix="zoo-") as home:
        found = subject.load_elsewhere(home)
    if "content_hash" in found:
        return
    if not subject.spec.download:
        raise CheckFailed(
            "a set without a `download` in its record to load without a network",
            found["message"],
            "put the images into the package, or say in `download` and `at_hand` how they come",
        )
    if not found["hint"]:
        raise CheckFailed(
            "zoo_core.UsageError or ZooError with a hint that says what to do without a network",
            found["message"],
            "catch what the download raises, and raise zoo_core.ZooError(message, hint) from it",
        )


def loading_leaves_the_process_as_it_was(subject: DatasetSubject) -> None:
    """The models in the same process rely on its random states and its environment."""
    needs(subject.dataset)  # what is imported the first time, and by whom, is another matter
    load, changed = subject.registered.load(), set[str]()
    with watched(changed):
        needs(load(subject.spec, subject.data_dir))
    if changed:
        raise CheckFailed(
            "loading to leave the process as it was",
            f"{' and '.join(sorted(changed))} changed",
            "draw from np.random.default_rng(SEED), which is nobody else's",
        )


CHECKS = (
    it_loads_as_a_data_set,
    it_is_what_its_record_says,
    splits_share_no_image,
    every_class_has_images,
    images_use_the_levels,
    loading_again_gives_the_same_images,
    a_new_process_loads_the_same,
    without_a_network_it_loads_or_says_what_to_do,
    loading_leaves_the_process_as_it_was,
)
