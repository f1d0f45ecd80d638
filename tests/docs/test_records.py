"""docs/records.md knows every key of every file, and no others."""

import json
import re
from dataclasses import fields
from pathlib import Path

import h5py
import pytest
from pydantic import BaseModel

import zoo_core
from zoo_core.comparing.results import Comparison, Failure
from zoo_core.evaluation.record import Cost, DataRecord, Features, OtherCheckpoint, Record, Sampling, Score, Source
from zoo_core.features import Classifier
from zoo_core.features.classifier import shipped_file
from zoo_core.features.storage import Recipe
from zoo_core.runs import RunDescription, RunFolder
from zoo_core.specs import DataSpec
from zoo_core.training import checkpoint
from zoo_core.training.options import TrainingOptions

PAGE = Path(__file__).parents[2] / "docs" / "records.md"

MODELS: dict[str, type[BaseModel]] = {
    "run.json": RunDescription,
    "[training]": TrainingOptions,
    "result.json": Record,
    "other_checkpoint": OtherCheckpoint,
    "sampling": Sampling,
    "source": Source,
    "source.cost": Cost,
    "data (reference)": DataRecord,
    "features": Features,
    "metrics.KEY": Score,
    "results.json": Comparison,
    "failures": Failure,
    "recipe": Recipe,
}


def documented(heading: str) -> set[str]:
    """The keys in the first column of the tables under a heading."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition(f"# {heading}\n")
    assert section, f"no heading '{heading}'"
    section, *_ = re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)
    cells = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`([^`]+)`", cell)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    options, training = {"width": 2, "latent": 2}, {"steps": 1, "batch_size": 2, "select_every": 1}
    return zoo_core.train("dcgan", "digits@8", tmp_path_factory.mktemp("r") / "run", options=options, training=training)


@pytest.mark.parametrize("heading", MODELS)
def test_records(heading: str):
    assert documented(heading) == set(MODELS[heading].model_fields)


def test_the_data_set_of_a_run():
    assert documented("data") == {field.name for field in fields(DataSpec)}


def test_the_environment_of_a_run(run: RunFolder):
    assert documented("environment") == set(json.loads((run.path / "run.json").read_text())["environment"])


def test_metrics(run: RunFolder):
    (line,) = run.metrics()
    general = {re.sub(r"^(discriminator|generator)/", "PHASE/", key) for key in line}
    general = {re.sub(r"^select/\w+", "select/METRIC", key) for key in general}
    assert documented("metrics.jsonl") == {re.sub(r"/accuracy$", "/NAME", key) for key in general}


def test_checkpoints(run: RunFolder):
    arrays: set[str] = set()

    def note(path: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            path = re.sub(r"(generator|discriminator)(?=/(trainable|other)/)", "NETWORK", path.removeprefix("state/"))
            path = re.sub(r"optimizers/(generator|discriminator)", "optimizers/PHASE", path)
            arrays.add(re.sub(r"/\d{3}(\.\w+)?$", lambda match: "/NNN" + (".NAME" if match[1] else ""), path))

    with h5py.File(checkpoint.latest(run)) as file:
        file["state"].visititems(note)
        found = {*file.attrs, *file, *file["state"].attrs} | arrays
    assert documented("checkpoints/step-*.h5") == found


def test_files_of_a_run(run: RunFolder):
    tree, _, _ = PAGE.read_text(encoding="utf-8").partition("## run.json")
    for path in run.path.rglob("*"):
        if path.is_file():
            name = re.sub(r"(step|best)-\d+", r"\1-*", str(path.relative_to(run.path)))
            assert name in tree


def test_classifier_weights():
    with h5py.File(shipped_file("digits")) as file:
        assert documented("Classifier weights") == set(file.attrs)
    assert Classifier.shipped("digits").info.recipe == Recipe()
