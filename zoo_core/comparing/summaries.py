"""One row of a table: a model's scores, averaged over its training seeds."""

import json
from statistics import fmean
from typing import Any, Literal

import numpy as np

from zoo_core.comparing.statistics import share_interval, standard_error, t_interval
from zoo_core.evaluation.record import Frozen, Record, Score, Source
from zoo_core.sampling.collapse import SHARE
from zoo_core.training.options import TrainingOptions
from zoo_core.training.selection import Rule

OPTION = "options."
"""Before the name of an option of the model, which might be any."""
WATCHING = {"log_every", "sample_every", "checkpoint_every", "keep"}
"""Training options that decide what is written down along the way, and move no weight."""


class Aggregate(Frozen):
    """One metric of one model over its training seeds.

    Attributes:
        standard_error: of the mean over seeds: the standard deviation (ddof 1) / √n. None for a single seed.
        interval: Student's of that mean, which covers 95 %. None for a single seed.
        sampling_error: the root mean square of the seeds' own standard errors, from the draw of the images alone,
            which the spread over seeds holds but for what their common noise does to all; None where a score has none.
        sampling_interval: of the one score of a single seed; None for several.
        values: one for each seed that has the metric, in the order of the summary's seeds; others are skipped.
        floor: what real images score, a mean over the records; None where the metric has no floor.
        label, better, n_generated, n_reference, n_floor, n_floor_reference, plugin: as in
            `zoo_core.evaluation.record.Score`.
    """

    label: str
    better: Literal["lower", "higher"]
    mean: float
    standard_error: float | None
    interval: tuple[float, float] | None
    sampling_error: float | None
    sampling_interval: tuple[float, float] | None
    values: list[float]
    n_generated: int
    n_reference: int
    floor: float | None
    n_floor: int | None
    n_floor_reference: int | None
    plugin: str | None


class Collapses(Frozen):
    """How many seeds have collapsed, `of` so many whose variety is known, and Wilson's interval of that share."""

    count: int
    of: int
    interval: tuple[float, float]


class Summary(Frozen):
    """One row: a model, trained with the same settings on the same data from one or several seeds.

    Attributes:
        label: the model's name, followed by the settings that set it apart where the table has it more than once.
        options: of the model.
        seeds, runs: of each record, in the same order.
        failed: seeds whose run failed, as far as they can only be of this row.
        rank: the places that the tests leave it among the rows with a finite score, from 1 + the number of those that
            are significantly better to the number of all less those that are significantly worse; None without such
            a score, or where nothing in the table can be tested.
        checkpoint: which one of each run is scored.
        other_checkpoint: the ranking score of the other one, the best or the final; None where runs have but one.
        images_seen, seconds, parameters: means over the seeds; the seconds are those of the training steps.
        efficient: by which costs no other row of the table is as good and as cheap: "seconds", where all rows are of
            one kind of machine, and "parameters".
        sampling_speed: images/s, a mean over the seeds; None where it was not measured.
        collapses: None where it is not known.
    """

    model: str
    label: str
    options: dict[str, Any]
    data: str
    seeds: list[int]
    runs: list[str]
    failed: tuple[int, ...] = ()
    rank: tuple[int, int] | None = None
    metrics: dict[str, Aggregate]
    checkpoint: Rule
    other_checkpoint: Aggregate | None
    images_seen: float
    seconds: float
    parameters: float
    efficient: tuple[Literal["seconds", "parameters"], ...] = ()
    sampling_speed: float | None
    collapses: Collapses | None


def source_of(record: Record) -> Source:
    """The run that a comparison's record is of."""
    assert record.source is not None  # `Comparison` takes no other records
    return record.source


def settings_of(record: Record) -> dict[str, str]:
    """Everything that was chosen but for the seed: records that agree in all of it are seeds of one row."""
    source = source_of(record)
    options = {f"{OPTION}{key}": value for key, value in source.options.items()}
    trained = TrainingOptions.model_validate({}).model_dump(mode="json") | source.training  # older records lack some
    training = {f"training.{key}": value for key, value in trained.items() if key not in WATCHING}
    ends_anywhere = any(source.training.get(name) for name in ("patience", "seconds"))
    chosen = {
        **options,
        **training,
        "distribution": source.distribution,
        "version": source.version,
        "data": source.trained_on.content_hash,
        # a step that scores or a clock chose is each seed's own
        "checkpoint": source.checkpoint_rule
        if source.checkpoint_rule == "best" or ends_anywhere
        else source.checkpoint,
    }
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in sorted(chosen.items())}


def machine_of(record: Record) -> str:
    """What seconds depend on, as far as a record knows it, such as "cpu, 2 cores, jax"."""
    environment = source_of(record).environment
    device, cores, backend = (environment.get(key, "?") for key in ("device", "cores", "backend"))
    devices = environment.get("devices", 1)
    return f"{f'{devices} × ' if devices != 1 else ''}{device}, {cores} cores, {backend}"


def summary_of(label: str, records: list[Record], ranked_by: str | None) -> Summary:
    """The row of these records, which agree in their settings.

    Args:
        ranked_by: the metric whose score of the other checkpoint is kept.
    """
    sources = [source_of(record) for record in records]
    keys = {key: None for record in records for key in record.metrics}  # a dict, which keeps their order
    others = [record.other_checkpoint.metrics.get(ranked_by or "") for record in records if record.other_checkpoint]
    scored = [score for score in others if score is not None]
    speeds = [record.sampling.images_per_second for record in records if record.sampling]
    return Summary(
        model=sources[0].model,
        label=label,
        options=sources[0].options,
        data=records[0].data.name,
        seeds=[source.seed for source in sources],
        runs=[source.run for source in sources],
        metrics={key: _aggregate([r.metrics[key] for r in records if key in r.metrics]) for key in keys},
        checkpoint=sources[0].checkpoint_rule,
        other_checkpoint=_aggregate(scored) if len(scored) == len(records) else None,
        images_seen=fmean(source.cost.images_seen for source in sources),
        seconds=fmean(source.cost.seconds for source in sources),
        parameters=fmean(source.cost.parameters for source in sources),
        sampling_speed=fmean(speeds) if speeds else None,
        collapses=_collapses(records),
    )


def _collapses(records: list[Record]) -> Collapses | None:
    known = [record.sampling.variety for record in records if record.sampling and record.sampling.variety is not None]
    count = sum(variety < SHARE for variety in known)
    return Collapses(count=count, of=len(known), interval=share_interval(count, len(known))) if known else None


def _aggregate(scores: list[Score]) -> Aggregate:
    values = [score.value for score in scores]
    floors = [score.floor for score in scores if score.floor is not None]
    errors = [score.standard_error for score in scores if score.standard_error is not None]
    with np.errstate(all="ignore"):  # scores that are not finite give a mean that is not
        mean = float(np.mean(values))
    return Aggregate(
        label=scores[0].label,
        better=scores[0].better,
        mean=mean,
        standard_error=standard_error(values),
        interval=t_interval(values),
        sampling_error=float(np.sqrt(np.mean(np.square(errors)))) if len(errors) == len(scores) else None,
        sampling_interval=scores[0].interval if len(scores) == 1 else None,
        values=values,
        n_generated=scores[0].n_generated,
        n_reference=scores[0].n_reference,
        floor=fmean(floors) if floors else None,
        n_floor=scores[0].n_floor,
        n_floor_reference=scores[0].n_floor_reference,
        plugin=scores[0].plugin,
    )
