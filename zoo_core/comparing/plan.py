"""What is compared, as people say it, and the cells that it comes to."""

import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError

from zoo_core.comparing.cell import Cell, Scoring
from zoo_core.data import load_dataset
from zoo_core.data.sources import without_splits
from zoo_core.errors import UsageError, unknown
from zoo_core.evaluation.protocol import Protocol, load_protocol, refuse_beside
from zoo_core.keras_backend import DEFAULT
from zoo_core.options import Options, read_toml, resolve
from zoo_core.registered import RegisteredModel
from zoo_core.registry import registry
from zoo_core.runs import slug
from zoo_core.specs import ALL, AUTO, DataSpec
from zoo_core.training.options import training_options
from zoo_core.training.selection import Rule

SAMPLING_SEED = 0
SEEDS = 3
"""Where nobody says how many."""


class Plan(Options):
    """What a comparison is asked for, as a TOML file has it too.

    Attributes:
        models: names of `zoo models list`.
        data: sources such as "digits" or "folder:photos@64"; each model's score is against its test split.
        seeds: how many training seeds, from 0, or a list of them; by default 3.
        options: of each model, by model and name. Of an option that is no list itself, a list gives several values to
            sweep; of one that is, a list of lists.
        training: fields of `TrainingOptions`, the same for all.
        features, weights, metrics, count, checkpoint: as in `zoo_core.evaluate`, but that of the metrics each model is
            scored by those that apply to it.
        protocol: of `zoo protocols list`, or the path of a TOML file; it then fixes all of these but `models`,
            `options`, `weights` and those of `training` that move no scored weights, such as `select_every`; `data`
            must be empty.
    """

    models: tuple[str, ...] = Field(description="names of zoo models list")
    data: tuple[str, ...] = Field((), description="data sets")
    seeds: int | tuple[int, ...] | None = Field(None, description="how many, or which")
    options: dict[str, dict[str, Any]] = Field({}, description="of each model, a table for each")
    training: dict[str, Any] = Field({}, description="of the training, the same for all")
    protocol: str | None = Field(None, description="of zoo protocols list, or a TOML file")
    features: str = Field(AUTO, description="of zoo features list")
    weights: Path | None = Field(None, description="a file of weights for the features")
    metrics: tuple[str, ...] | None = Field(None, description="names of zoo metrics list")
    count: int | None = Field(None, ge=2, description="images that each run generates, at least 2")
    checkpoint: Rule | None = Field(None, description="final or best")

    @property
    def name(self) -> str:
        """Of a folder for it."""
        protocol = [Path(self.protocol).stem] if self.protocol else []
        return slug("-".join([*self.models, *self.data, *protocol]))


def read_plan(path: Path) -> Plan:
    """The plan in a TOML file, whose keys are the attributes of `Plan`. Raises UsageError for any other."""
    return resolve(Plan, read_toml(path), f"plan '{path}'")


def cells_of(
    plan: Plan, out: Path, *, data_dir: Path | None = None, device: str = "auto", command: str = ""
) -> list[Cell]:
    """All cells, data set by data set and seed by seed, so that a comparison that is cut short has seen every model.

    The same plan always gives the same cells, in the same order, each with the same folders.

    Args:
        out: the comparison's folder.

    Raises:
        UsageError: for whatever was asked wrong, as far as it can be told without building a network.
    """
    data, seeds, training, scoring = _resolved(plan)
    if not plan.models or not data or not seeds:
        raise UsageError(
            f"A comparison needs models, data sets and seeds, received {list(plan.models)}, {list(data)}, "
            f"{len(seeds)} seeds.",
            "For example: zoo compare dcgan vae --data digits --seeds 3",
        )
    if len(set(plan.models)) < len(plan.models):
        raise UsageError(
            f"Each model can be compared once, received: {', '.join(plan.models)}.",
            "Name it once; to compare settings of it, sweep an option: -o MODEL.KEY=VALUE,VALUE",
        )
    for name in plan.options:
        if name not in plan.models:
            raise unknown("compared model", name, plan.models)
    models = {name: registry().model(name) for name in plan.models}
    for model in models.values():
        model.check_backend()
    settings = {name: list(_settings(model, plan.options.get(name, {}))) for name, model in models.items()}
    _check_metrics(models.values(), scoring.measured)
    sources: dict[str, str] = {}
    cells: list[Cell] = []
    for source in data:
        spec = load_dataset(source, data_dir).spec
        if (same := sources.setdefault(spec.content_hash, source)) != source:
            raise UsageError(f"'{same}' and '{source}' are the same images, which would count twice.", "Name one.")
        if scoring.protocol:
            scoring.protocol.check_data(spec)
        for model in models.values():
            _check_labels(model, spec)
            _check_inputs(model, spec)
        asked = _digest(_scored_by(scoring, source, spec, data_dir))
        for seed, (name, model) in itertools.product(seeds, models.items()):
            for options, swept in settings[name]:
                identity = {
                    "model": [name, model.plugin.distribution, model.plugin.version],
                    "options": options,
                    "training": training,
                    "data": spec.content_hash,
                    "seed": seed,
                    "backend": os.environ.get("KERAS_BACKEND") or DEFAULT,
                }
                cells.append(
                    Cell(
                        number=len(cells),
                        model=name,
                        data=source,
                        seed=seed,
                        options=options,
                        swept=swept,
                        training=training,
                        scoring=scoring,
                        asked=asked,
                        out=out,
                        name=f"{slug(source)}-{slug(name)}-s{seed}-{_digest(identity)[:8]}",
                        data_dir=data_dir,
                        device=device,
                        command=command,
                    )
                )
    if len({cell.name for cell in cells}) < len(cells):
        raise UsageError("The plan has a cell twice.", "Name each seed, and each value of a swept option, once.")
    return cells


def _resolved(plan: Plan) -> tuple[list[str], list[int], dict[str, Any], Scoring]:
    """Data sets, seeds, training options and the scoring, whether the plan says so or its protocol."""
    data, training, seeds = list(dict.fromkeys(plan.data)), plan.training, plan.seeds
    features, metrics, count, checkpoint = plan.features, plan.metrics, plan.count, plan.checkpoint
    protocol = load_protocol(plan.protocol) if plan.protocol else None
    if protocol:
        given = {"data": data, "seeds": seeds, **protocol.training.fixed(training), "features": features != AUTO}
        refuse_beside(protocol, **given, metrics=metrics, count=count, checkpoint=checkpoint)
        data, seeds = [protocol.data.fitted], protocol.training.seeds
        training = {**training, **protocol.training.options}
        features = protocol.features.network
    options = training_options(training)
    if features != AUTO:
        registry().feature_network(features)
    for name in set(metrics or ()) - {ALL}:
        registry().metric(name)
    if checkpoint == "best" and not options.select_every:
        raise UsageError(
            "There is no best checkpoint without scores on held-out images while a model trains.",
            "Train with -t select_every=N, or leave --checkpoint best out.",
        )
    if options.select_every:
        from zoo_core.evaluation.judge import check_held_out  # which imports Keras

        for source in data:
            check_held_out(source)
        if options.select_features != AUTO:
            registry().feature_network(options.select_features)
    numbers = range(SEEDS) if seeds is None else range(seeds) if isinstance(seeds, int) else seeds
    scoring = Scoring(
        features=features,
        weights=plan.weights,
        metrics=metrics,
        count=count,
        checkpoint=checkpoint or "final",
        protocol=protocol,
        seed=SAMPLING_SEED,
    )
    return data, list(numbers), options.model_dump(mode="json"), scoring


def _settings(model: RegisteredModel, given: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Every combination of swept values: all options of the model, and those that are swept."""
    options = model.load_options()
    values = {name: _values(options, name, value) for name, value in given.items()}
    for chosen in itertools.product(*values.values()):
        named = dict(zip(values, chosen, strict=True))
        resolved = resolve(options, named, f"model '{model.spec.name}'").model_dump(mode="json")
        yield resolved, {name: value for name, value in named.items() if len(values[name]) > 1}


def _values(options: type[Options], name: str, value: Any) -> Sequence[Any]:
    """The values to sweep: those of a list, unless the option itself may be that list."""
    if not isinstance(value, list | tuple) or name not in options.model_fields:
        return [value]
    try:
        TypeAdapter[Any](options.model_fields[name].annotation or Any).validate_python(value)
    except ValidationError:
        if not value:
            raise UsageError(f"Option '{name}' has no value to sweep, received [].") from None
        return value
    return [value]


def _check_labels(model: RegisteredModel, data: DataSpec) -> None:
    if model.spec.conditional and not data.labelled:
        raise UsageError(
            f"Model '{model.spec.name}' needs labels, and '{data.name}' has none, or not for all images.",
            "Leave one of them out, put the images into one sub-folder for each class, or prepare the set with "
            "--labels and --unlabelled drop.",
        )


def _check_inputs(model: RegisteredModel, data: DataSpec) -> None:
    """Images from noise, reconstructions and images from inputs are no rivals: a comparison is of one kind."""
    has = "inputs" in data.fields
    if model.spec.translates and not has:
        raise UsageError(
            f"Model '{model.spec.name}' makes images from inputs, and '{data.name}' has none.",
            "Leave one of them out, or put what degrades the images after the set's name, such as SET~downscale2.",
        )
    if has and not model.spec.translates:
        raise UsageError(
            f"'{data.name}' has inputs to make images from, and model '{model.spec.name}' does not look at them.",
            "Leave one of them out, or compare such models on images without inputs.",
        )


def _check_metrics(models: Iterable[RegisteredModel], names: Sequence[str] | None) -> None:
    """Raises UsageError for a model without a score: one that none of the named metrics applies to."""
    if names is None or list(names) == [ALL]:
        return
    from zoo_core.evaluation.metrics import offered, select  # which imports Keras

    needs = {metric.needs for metric in select(names)}
    for model in models:
        if not needs & offered(model.spec):
            raise UsageError(
                f"Model '{model.spec.name}' would have no score: it can {', '.join(sorted(model.spec.tasks))}, and the "
                f"metrics are of {', '.join(sorted(needs)) or 'nothing'}.",
                "Leave it out, or add a metric that applies to it: zoo metrics list",
            )


def _scored_by(scoring: Scoring, source: str, data: DataSpec, data_dir: Path | None) -> dict[str, Any]:
    """Whatever could move a score, but for the run itself: a result stands as long as this stays the same."""
    protocol: Protocol | None = scoring.protocol
    whole = without_splits(source)
    reference = data if whole == source else load_dataset(whole, data_dir).spec
    named = registry().features.get(scoring.features)
    metrics = registry().metrics if scoring.measured == (ALL,) else scoring.measured or ()
    if scoring.weights is not None and not scoring.weights.is_file():
        raise UsageError(f"There is no file '{scoring.weights}'.", "Check --weights.")
    return {
        **scoring.model_dump(mode="json", exclude={"protocol", "weights"}),
        "weights": hashlib.sha256(scoring.weights.read_bytes()).hexdigest() if scoring.weights else None,
        "protocol": protocol.sha256 if protocol else None,
        "reference": [protocol.data.reference if protocol else "test", reference.content_hash],
        "packages": [version("zoo-core"), named and named.source, *map(_package, metrics)],
    }


def _package(metric: str) -> str | None:
    return registry().metric(metric).source


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
