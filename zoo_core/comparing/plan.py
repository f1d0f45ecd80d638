"""Which runs a comparison needs, each with a folder of its own that the same arguments always lead to."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo_core.data import Dataset
from zoo_core.errors import UsageError, unknown
from zoo_core.options import Options, resolve
from zoo_core.registry import registry
from zoo_core.runs import slug
from zoo_core.training.options import TrainingOptions


@dataclass(frozen=True)
class Cell:
    """One run of the grid: a model, a data set and a seed."""

    model: str
    data: Dataset
    seed: int
    options: Options
    training: TrainingOptions
    run: Path


def plan(
    models: Sequence[str],
    datasets: Sequence[Dataset],
    seeds: Sequence[int],
    out: Path,
    options: Mapping[str, Mapping[str, Any]],
    training: Mapping[str, Any],
) -> list[Cell]:
    """All cells, seed by seed, so that a comparison that is cut short has seen every model.

    Args:
        out: the comparison's folder; runs go to `out/runs/`.
        options: of each model, by model and name.
        training: of all of them.

    Raises:
        UsageError: for a model that is unknown, asked for twice, or needs labels that a data set lacks; for an option
            that is unknown or out of bounds, or is given for a model that is not compared.
    """
    if len(set(models)) < len(models):
        raise UsageError(f"Each model can be compared once, received: {', '.join(models)}.")
    for name in options:
        if name not in models:
            raise unknown("compared model", name, models)
    training_options = resolve(TrainingOptions, training, "training")
    cells = []
    for model in models:
        registered = registry().model(model)
        model_options = resolve(registered.load()[1], options.get(model, {}), f"model '{model}'")
        for data in datasets:
            if registered.spec.labels == "required" and not data.spec.labelled:
                raise UsageError(
                    f"Model '{model}' needs labels, and '{data.name}' has none, or not for all images.",
                    "Leave one of them out, put the images into one sub-folder for each class, or prepare the set with "
                    "--labels and --unlabelled drop.",
                )
            for seed in seeds:
                identity = {
                    "model": [model, registered.plugin.distribution, registered.plugin.version],
                    "options": model_options.model_dump(),
                    "training": training_options.model_dump(),
                    "data": data.spec.content_hash,
                    "seed": seed,
                }
                digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]
                name = f"{slug(data.name)}-{slug(model)}-s{seed}-{digest}"
                cells.append(Cell(model, data, seed, model_options, training_options, out / "runs" / name))
    return sorted(cells, key=lambda cell: (datasets.index(cell.data), cell.seed))
