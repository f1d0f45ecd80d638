"""`zoo classifier`: training the network whose features the scores use, and showing what such a network is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo_core.cli.options import data_dir_option
from zoo_core.cli.output import emit, json_option

if TYPE_CHECKING:
    from zoo_core.features import Classifier

COLUMNS = ("name", "data", "shape", "validation_accuracy", "test_accuracy")
"""Of the listing; more is shown of one classifier, and in JSON."""

DIGITS = 4
"""Of an accuracy in a table."""


@click.group()
def classifier() -> None:
    """Train the classifier whose features the scores use, or show one.

    A few come with the package. For any other labelled data set train your own, and give it to evaluate and compare
    by --weights FILE.

    \b
    For example:
      zoo classifier train --data folder:birds@64 --out birds.h5
      zoo evaluate runs/birds --weights birds.h5
    """


@classifier.command()
@click.option(
    "--data", required=True, help="Labelled data set: NAME, folder:PATH or h5:PATH, each with an optional @SIZE."
)
@data_dir_option
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Weights file to write.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Of weights, order and noise.")
@click.option("--steps", default=3000, show_default=True, type=click.IntRange(min=1), help="Batches of 128 images.")
@json_option
def train(data: str, data_dir: Path | None, out: Path, seed: int, steps: int, as_json: bool) -> None:
    """Train a classifier on the training split of a labelled data set.

    The validation split chooses among ten checkpoints; the test split is only measured. 28x28 images take about six
    minutes on two CPU cores.

    \b
    For example:
      zoo classifier train --data mnist --out classifier-mnist.h5 --seed 0
    """
    from zoo_core.cli.progress import StderrReport
    from zoo_core.data import load_dataset
    from zoo_core.features import Classifier, storage
    from zoo_core.features.training import train_classifier
    from zoo_core.operations.writing import check_file

    check_file(out)
    dataset = load_dataset(data, data_dir)
    with StderrReport() as progress:
        progress.begin("Training", 0, steps)
        network, info = train_classifier(dataset, storage.Recipe(seed=seed, steps=steps), progress.log)
    storage.save(out, network, info)
    emit(_describe(Classifier.open(out)), as_json, DIGITS)


@classifier.command()
@click.argument("classifier", metavar="[NAME|FILE]", required=False)
@json_option
def show(classifier: str | None, as_json: bool) -> None:
    """Tell what the classifier of a NAME or in a FILE was trained on and how well it does; without one, list those
    that come with the package.

    \b
    For example:
      zoo classifier show mnist
    """
    from zoo_core.features import Classifier
    from zoo_core.features.classifier import SHIPPED

    if classifier is None:
        found = [_describe(Classifier.shipped(data)) for data in SHIPPED]
        emit(found if as_json else [{key: line[key] for key in COLUMNS} for line in found], as_json, DIGITS)
        return
    network = Classifier.shipped(classifier) if classifier in SHIPPED else Classifier.open(Path(classifier))
    emit(_describe(network), as_json, DIGITS)


def _describe(network: "Classifier") -> dict[str, Any]:
    info = network.info
    return {
        "name": network.name,
        "data": info.data,
        "content_hash": info.content_hash,
        "shape": list(info.image_shape),
        "classes": list(info.classes),
        "validation_accuracy": info.validation_accuracy,
        "test_accuracy": info.test_accuracy,
        "recipe": info.recipe.model_dump(),
        "weights_sha256": network.weights_sha256,
    }
