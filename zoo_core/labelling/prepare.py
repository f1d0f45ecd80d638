"""Preparing a data set with labels of any origin: the source's own, clusters, or a classifier's guesses."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from zoo_core.data.hdf5 import Prepared
from zoo_core.data.preparing import PreparationReport, Rules, prepare
from zoo_core.data.preparing.engines import Engine, LocalEngine
from zoo_core.data.preparing.pipeline import Label
from zoo_core.data.sources import cut_size
from zoo_core.errors import UsageError
from zoo_core.lists import as_list
from zoo_core.options import Options, resolve
from zoo_core.progress import Progress
from zoo_core.registry import registry
from zoo_core.specs import AUTO

_BELONGS = {"features": "auto", "weights": "auto", "confidence": "from-classifier"}
"""Which labels an option is for."""


class Labelling(Options):
    """Where labels come from that the source does not give.

    `how` is "source", "none", "auto" or "auto:K" for clusters, "from-classifier:FILE" for a classifier's guesses, FILE
    being weights that `zoo classifier train` wrote or the name of a data set whose classifier is shipped. Labels of the
    source stay where the classifier knows their class.
    """

    how: str = "source"
    features: str = AUTO
    weights: Path | None = None
    confidence: float = Field(default=0.9, ge=0, le=1, description="of a classifier's guess, from which on it counts")
    seed: int = 0


def prepare_dataset(
    sources: str | Sequence[str],
    out: str | Path,
    rules: Mapping[str, Any] | None = None,
    *,
    labelling: Labelling | None = None,
    inputs: str | None = None,
    workers: int | None = None,
    engine: str = "local",
    data_dir: str | Path | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> PreparationReport:
    """Make one checked HDF5 file of images, and `OUT.report.json` beside it, which lists what was left out and why.

    Args:
        sources: folders, archives, arrays, lists or names of built-in sets, or one, with an optional `@SIZE`.
        out: the file; neither it nor its report may exist. What was interrupted goes on where it was.
        rules: of `Rules`, by name. Duplicates are set aside, except those of built-in sets.
        labelling: where labels come from; by default the sources.
        inputs: a source of what the images are to be made from, matched by name.
        workers: processes of the local engine, by default one for each core.
        engine: "local", or "ray" for a Ray cluster.
        data_dir: where local copies of built-in sets are.
        command: for the file's provenance.
        progress: told what is being done, and how many of how many images are.

    Raises:
        UsageError, ZooError: as `zoo_core.data.preparing.prepare`; and for labels that can't come about.
    """
    names, given = _cut_sizes(as_list(sources), dict(rules or {}))
    known = registry().datasets
    if all(name in known for name in names):
        # They stay what others mean by their names, in the size that these stand for.
        size = known[names[0]].spec.shape[:2]
        given = {"duplicates": "report", "size": size, "fit": "stretch"} | given
    labelling = labelling or Labelling()
    label = _labeller(labelling, drop=given.get("unlabelled") == "drop")
    if labelling.how == "none" or labelling.how.startswith("auto"):
        given["labels"] = "none"
    if label is not None:
        given["unlabelled"] = "keep"  # until they are labelled
    return prepare(
        names,
        Path(out),
        resolve(Rules, given, "preparation"),
        inputs=inputs,
        engine=_engine(engine, workers),
        data_dir=Path(data_dir) if data_dir else None,
        label=label,
        command=command,
        progress=progress or (lambda what, done, total: None),
    )


def _cut_sizes(sources: Sequence[str], rules: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """The sources without `@SIZE`, and the rules with it."""
    parts = [(source, None) if os.path.exists(source) else cut_size(source) for source in sources]
    sizes = {size for _, size in parts if size} | ({tuple(rules["size"])} if rules.get("size") else set())
    if len(sizes) > 1:
        raise UsageError(f"One size is needed, received {' and '.join(f'{h}x{w}' for h, w in sorted(sizes))}.")
    return [source for source, _ in parts], rules | ({"size": sizes.pop()} if sizes else {})


def _engine(name: str, workers: int | None) -> Engine:
    if name == "local":
        return LocalEngine(workers)
    if workers is not None:
        raise UsageError("Ray decides itself how many images are looked at at once.", "Leave --workers out.")
    from zoo_core.data.preparing.ray_engine import RayEngine  # an extra, which need not be installed

    return RayEngine()


def _labeller(labelling: Labelling, drop: bool) -> Label | None:
    """What writes a prepared file anew with other labels; None where those of the source stay. All that can be known to
    be wrong is told now, and not after hours of decoding."""
    how, _, argument = labelling.how.partition(":")
    for option, belongs in _BELONGS.items():
        if option in labelling.model_fields_set and how != belongs:
            raise UsageError(
                f"'{option}' is for labels of '{belongs}', but they are to be '{labelling.how}'.",
                f"Leave --{option} out, or add --labels {belongs}.",
            )
    if how == "auto" and (argument.isdecimal() or not argument):
        return _clusters(int(argument) if argument else None, labelling)
    if how == "from-classifier" and argument:
        return _guesses(argument, labelling.confidence, drop)
    if labelling.how not in ("source", "none"):
        raise UsageError(
            f"Labels should be source, none, auto, auto:K or from-classifier:FILE, received '{labelling.how}'.",
            "For example: --labels auto:10",
        )
    return None


# What follows imports Keras, so only where it is needed.


def _clusters(k: int | None, labelling: Labelling) -> Label:
    if k is not None and k < 2:
        raise UsageError(f"There should be 2 clusters or more, received auto:{k}.", "For example: --labels auto:10")
    if labelling.features != AUTO:
        registry().feature_network(labelling.features)
    if labelling.weights is not None and not labelling.weights.is_file():
        raise UsageError(f"There is no weights file '{labelling.weights}'.", "Check the path.")

    def label(prepared: Prepared, out: Path) -> Mapping[str, np.ndarray]:
        from zoo_core.features import load_features
        from zoo_core.labelling.clusters import cluster_labels
        from zoo_core.labelling.labels import relabel

        features = load_features(labelling.features, prepared.dataset().spec, labelling.weights)
        return relabel(prepared, cluster_labels(prepared, features, k, labelling.seed), out)

    return label


def _guesses(weights: str, confidence: float, drop: bool) -> Label:
    from zoo_core.features.classifier import SHIPPED, Classifier
    from zoo_core.labelling.labels import relabel
    from zoo_core.labelling.pseudo_labels import pseudo_labels

    named = weights in SHIPPED and not Path(weights).exists()
    classifier = Classifier.shipped(weights) if named else Classifier.open(Path(weights))
    return lambda prepared, out: relabel(prepared, pseudo_labels(prepared, classifier, confidence), out, drop)
