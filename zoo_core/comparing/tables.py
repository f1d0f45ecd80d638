"""Like put beside like: records sorted into tables, averaged over training seeds, and ranked."""

import json
import math
from collections.abc import Sequence
from statistics import fmean
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from zoo_core.comparing.statistics import (
    SIGNIFICANCE,
    pairwise,
    pareto_front,
    share_interval,
    standard_error,
    t_interval,
)
from zoo_core.evaluation.protocol import Protocol, differences
from zoo_core.evaluation.record import DataRecord, Features, Record, Score, Source
from zoo_core.sampling.collapse import SHARE
from zoo_core.training.selection import Rule


class Frozen(BaseModel):
    """What is kept as JSON, which has no NaN and no infinity: they are strings there, and come back as floats."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Aggregate(Frozen):
    """One metric of one model over its training seeds.

    Attributes:
        standard_error: of the mean over seeds: the standard deviation (ddof 1) / √n. None for a single seed.
        interval: Student's of that mean, which covers 95 %. None for a single seed.
        sampling_error: the root mean square of the seeds' own standard errors, from the draw of the images alone,
            which the spread over seeds holds already; None where a score has none.
        sampling_interval: of the one score of a single seed; None for several.
        values: one for each seed, in the order of the summary's seeds.
        floor: what real images score, a mean over the records; None where the metric has no floor.
        label, better, n_generated, n_reference, n_floor: as in `zoo_core.evaluation.record.Score`.
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


class Collapses(Frozen):
    """How many seeds have collapsed, `of` so many whose variety is known, and Wilson's interval of that share."""

    count: int
    of: int
    interval: tuple[float, float]


class Pair(Frozen):
    """Whether two rows of a table, by their labels, differ in its ranking score.

    Attributes:
        difference: the second mean less the first; not below 0.
        p: of Welch's test, adjusted by Holm's for all tests of the table.
    """

    better: str
    worse: str
    difference: float
    p: float

    @property
    def significant(self) -> bool:
        return self.p < SIGNIFICANCE


class Summary(Frozen):
    """One row: a model, trained with the same settings on the same data from one or several seeds.

    Attributes:
        label: the model's name, followed by the settings that set it apart where the table has it more than once.
        seeds, runs: of each record, in the same order.
        failed: seeds whose run failed, as far as they can only be of this row: that of the model's only settings.
        rank: 1 + the number of models in the table that are significantly better; None where nothing can be tested.
        checkpoint: which one of each run is scored.
        other_checkpoint: the ranking score of the other one, the best or the final; None where runs have but one.
        images_seen, seconds, parameters: means over the seeds; the seconds are those of the training steps.
        efficient: by which costs no other row of the table is as good and as cheap: "seconds", "parameters".
        sampling_speed: images/s, a mean over the seeds; None where it was not measured.
        collapses: None where it is not known.
    """

    model: str
    label: str
    data: str
    seeds: list[int]
    runs: list[str]
    failed: list[int] = []
    rank: int | None = None
    metrics: dict[str, Aggregate]
    checkpoint: Rule
    other_checkpoint: Aggregate | None
    images_seen: float
    seconds: float
    parameters: float
    efficient: list[Literal["seconds", "parameters"]] = []
    sampling_speed: float | None
    collapses: Collapses | None


class Table(Frozen):
    """Rows that may be compared: same protocol, same reference, same feature network, same numbers of images.

    Attributes:
        apart: why these rows are not in the table of the same data set before, "field: there, here"; empty where
            there is none.
        ranked_by: the key of the distance that orders the summaries, lowest first; None where none was measured.
        pairs: each two rows that can be tested, by that distance.
    """

    data: DataRecord
    features: Features
    protocol: Protocol | None
    apart: list[str]
    ranked_by: str | None
    summaries: list[Summary]
    pairs: list[Pair]

    def columns(self) -> dict[str, Aggregate]:
        """Every metric of the table, the ranking one first, then other distances; each with the numbers of the first
        summary that has it, whose label, sample sizes and floor stand for all."""
        found: dict[str, Aggregate] = {}
        for summary in self.summaries:
            found = {**found, **{key: metric for key, metric in summary.metrics.items() if key not in found}}
        return {key: found[key] for key in sorted(found, key=lambda key: (key != self.ranked_by, not _distance(key)))}


def tables_of(records: list[Record]) -> list[Table]:
    """The records in as few tables as keep unlike ones apart, in the order in which they were given.

    Args:
        records: of runs: each has a `source`.
    """
    groups: list[list[Record]] = []
    for record in records:
        home = next((group for group in groups if not any(unlike(record, other) for other in group)), None)
        if home is None:
            groups.append(home := [])
        home.append(record)
    return [_table(group, _apart(group[0], [g[0] for g in groups[:n]])) for n, group in enumerate(groups)]


def source_of(record: Record) -> Source:
    """The run that a comparison's record is of."""
    assert record.source is not None  # `Comparison` takes no other records
    return record.source


def unlike(record: Record, other: Record) -> list[str]:
    """What forbids to compare two records, each as "field: one, other"; nothing where they may be compared."""
    fields: dict[str, tuple[object, object]] = {
        "data": (record.data.name, other.data.name),
        "data.content_hash": (record.data.content_hash, other.data.content_hash),
        "data.reference": (record.data.reference, other.data.reference),
        "features": (record.features.name, other.features.name),
        "features.weights_sha256": (record.features.weights_sha256, other.features.weights_sha256),
        "features.plugin": (record.features.plugin, other.features.plugin),
    }
    for key in record.metrics.keys() & other.metrics.keys():
        one, two = record.metrics[key], other.metrics[key]
        fields[f"{key}.n_generated"] = (one.n_generated, two.n_generated)
        fields[f"{key}.n_reference"] = (one.n_reference, two.n_reference)
        fields[f"{key}.plugin"] = (one.plugin, two.plugin)
    if record.data.content_hash == other.data.content_hash:
        del fields["data"]  # the same images may be named in several ways
    different = [f"{field}: {one}, {two}" for field, (one, two) in fields.items() if one != two]
    return differences(record.protocol, other.protocol) + different


def _apart(record: Record, before: list[Record]) -> list[str]:
    namesakes = [other for other in before if other.data.name == record.data.name]
    return unlike(namesakes[-1], record) if namesakes else []


def _table(records: list[Record], apart: list[str]) -> Table:
    rows: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        rows.setdefault((source_of(record).model, json.dumps(settings_of(record))), []).append(record)
    labels = _labels([row[0] for row in rows.values()])
    ranked_by = next((key for record in records for key in record.metrics if _distance(key)), None)
    summaries = [_summary(label, row, ranked_by) for label, row in zip(labels, rows.values(), strict=True)]
    pairs: list[Pair] = []
    if ranked_by is not None:
        summaries.sort(key=lambda summary: _order(summary.metrics.get(ranked_by)))
        pairs = _pairs(summaries, ranked_by)
        efficient = _efficient(summaries, ranked_by)
        summaries = [
            summary.model_copy(update={"rank": _rank(summary, pairs), "efficient": found})
            for summary, found in zip(summaries, efficient, strict=True)
        ]
    first = records[0]
    return Table(
        data=first.data,
        features=first.features,
        protocol=first.protocol,
        apart=apart,
        ranked_by=ranked_by,
        summaries=summaries,
        pairs=pairs,
    )


def settings_of(record: Record) -> dict[str, str]:
    """Everything that was chosen but for the seed: records that agree in all of it are seeds of one row."""
    source = source_of(record)
    training = {f"training.{key}": value for key, value in source.training.items()}
    ends_anywhere = any(source.training.get(name) for name in ("patience", "seconds"))
    chosen = {
        **source.options,
        **training,
        "version": source.version,
        "data": source.trained_on["content_hash"],
        # a step that scores or a clock chose is each seed's own
        "checkpoint": source.checkpoint_rule
        if source.checkpoint_rule == "best" or ends_anywhere
        else source.checkpoint,
    }
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in sorted(chosen.items())}


def _labels(firsts: list[Record]) -> list[str]:
    """A label for each row, from its first record: the model, and what differs from its other rows."""
    labels = []
    for record in firsts:
        settings, model = settings_of(record), source_of(record).model
        namesakes = [settings_of(other) for other in firsts if source_of(other).model == model]
        apart = [f"{key}={value}" for key, value in settings.items() if any(n.get(key) != value for n in namesakes)]
        labels.append(f"{model} ({', '.join(apart)})" if apart else model)
    return labels


def _summary(label: str, records: list[Record], ranked_by: str | None) -> Summary:
    sources = [source_of(record) for record in records]
    keys = {key: None for record in records for key in record.metrics}  # a dict, which keeps their order
    others = [record.other_checkpoint.metrics.get(ranked_by or "") for record in records if record.other_checkpoint]
    scored = [score for score in others if score is not None]
    speeds = [record.sampling.images_per_second for record in records if record.sampling]
    return Summary(
        model=sources[0].model,
        label=label,
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
    )


def _distance(key: str) -> bool:
    return key == "fid" or key.startswith("fd_")


def _order(metric: Aggregate | None) -> tuple[bool, float]:
    """Lowest first, then what is not finite, then what was not measured."""
    return metric is None, metric.mean if metric is not None and math.isfinite(metric.mean) else math.inf


def _pairs(summaries: Sequence[Summary], key: str) -> list[Pair]:
    """Of summaries in their order, so that the first of two is the better one."""
    scores = [summary.metrics[key].values if key in summary.metrics else [] for summary in summaries]
    return [
        Pair(
            better=summaries[i].label,
            worse=summaries[j].label,
            difference=summaries[j].metrics[key].mean - summaries[i].metrics[key].mean,
            p=p,
        )
        for (i, j), p in pairwise(scores).items()
    ]


def _rank(summary: Summary, pairs: list[Pair]) -> int | None:
    if not any(summary.label in (pair.better, pair.worse) for pair in pairs):
        return None
    return 1 + sum(pair.worse == summary.label and pair.significant for pair in pairs)


def _efficient(summaries: Sequence[Summary], key: str) -> list[list[Literal["seconds", "parameters"]]]:
    scores = [summary.metrics[key].mean if key in summary.metrics else math.nan for summary in summaries]
    by_seconds = pareto_front([(s.seconds, score) for s, score in zip(summaries, scores, strict=True)])
    by_parameters = pareto_front([(s.parameters, score) for s, score in zip(summaries, scores, strict=True)])
    names: tuple[Literal["seconds", "parameters"], ...] = ("seconds", "parameters")
    fronts = zip(by_seconds, by_parameters, strict=True)
    return [[name for name, on in zip(names, front, strict=True) if on] for front in fronts]
