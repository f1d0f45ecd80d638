"""Like put beside like: records sorted into tables, averaged over training seeds, and ranked."""

import json
import math
from statistics import fmean
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import stats

from zoo_core.evaluation.protocol import Protocol, differences
from zoo_core.evaluation.record import DataRecord, Features, Record, Score, Source

SIGNIFICANCE = 0.05
"""A difference is called significant where Welch's two-sided t-test gives a smaller p, uncorrected."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Aggregate(_Frozen):
    """One metric of one model over its training seeds.

    Attributes:
        standard_error: of the mean: the standard deviation (ddof 1) / √n. None for a single seed.
        interval: of the one score of a single seed, from the draw of the images alone; None for several seeds, whose
            spread holds it already.
        values: one for each seed, in the order of the summary's seeds.
        floor: what real images score, a mean over the records; None where the metric has no floor.
        label, better, n_generated, n_reference, n_floor: as in `zoo_core.evaluation.record.Score`.
    """

    label: str
    better: Literal["lower", "higher"]
    mean: float
    standard_error: float | None
    interval: tuple[float, float] | None
    values: list[float]
    n_generated: int
    n_reference: int
    floor: float | None
    n_floor: int | None

    @property
    def testable(self) -> bool:
        """Whether a difference from it can be tested: at least two seeds, all scores finite."""
        return self.standard_error is not None and math.isfinite(self.mean)


class Summary(_Frozen):
    """One row: a model, trained with the same settings on the same data from one or several seeds.

    Attributes:
        label: the model's name, followed by the settings that set it apart where the table has it more than once.
        seeds, runs: of each record, in the same order.
        rank: 1 + the number of models in the table that are significantly better; None where nothing can be tested.
        images_seen, seconds, parameters: means over the seeds; the seconds are those of the training steps.
    """

    model: str
    label: str
    data: str
    seeds: list[int]
    runs: list[str]
    rank: int | None
    metrics: dict[str, Aggregate]
    images_seen: float
    seconds: float
    parameters: float


class Table(_Frozen):
    """Rows that may be compared: same protocol, same reference, same feature network, same numbers of images.

    Attributes:
        apart: why these rows are not in the table of the same data set before, "field: there, here"; empty where
            there is none.
        ranked_by: the key of the distance that orders the summaries, lowest first; None where none was measured.
    """

    data: DataRecord
    features: Features
    protocol: Protocol | None
    apart: list[str]
    ranked_by: str | None
    summaries: list[Summary]

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


def significantly_lower(metric: Aggregate, other: Aggregate) -> bool:
    """Whether the first mean is below the second by more than chance explains (Welch, 1947); False where either is
    not `testable`."""
    if not (metric.testable and other.testable):
        return False
    with np.errstate(all="ignore"):  # without any spread p is 0, or NaN for equal means, which is no evidence
        p = stats.ttest_ind_from_stats(*_moments(metric), *_moments(other), equal_var=False).pvalue
    return bool(metric.mean < other.mean and p < SIGNIFICANCE)


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
    }
    for key in record.metrics.keys() & other.metrics.keys():
        one, two = record.metrics[key], other.metrics[key]
        fields[f"{key}.n_generated"] = (one.n_generated, two.n_generated)
        fields[f"{key}.n_reference"] = (one.n_reference, two.n_reference)
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
        rows.setdefault((source_of(record).model, json.dumps(_settings(record))), []).append(record)
    labels = _labels([row[0] for row in rows.values()])
    summaries = [_summary(label, row) for label, row in zip(labels, rows.values(), strict=True)]

    ranked_by = next((key for record in records for key in record.metrics if _distance(key)), None)
    if ranked_by is not None:
        summaries.sort(key=lambda summary: _order(summary.metrics.get(ranked_by)))
        summaries = [s.model_copy(update={"rank": _rank(s, summaries, ranked_by)}) for s in summaries]
    first = records[0]
    return Table(
        data=first.data,
        features=first.features,
        protocol=first.protocol,
        apart=apart,
        ranked_by=ranked_by,
        summaries=summaries,
    )


def _settings(record: Record) -> dict[str, str]:
    """Everything that was chosen but for the seed: records that agree in all of it are seeds of one row."""
    source = source_of(record)
    training = {f"training.{key}": value for key, value in source.training.items()}
    scored = source.checkpoint_rule == "best" or source.training.get("patience", 0) > 0
    chosen = {
        **source.options,
        **training,
        "version": source.version,
        "data": source.trained_on["content_hash"],
        # a step that scores chose is each seed's own
        "checkpoint": source.checkpoint_rule if scored else source.checkpoint,
    }
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in sorted(chosen.items())}


def _labels(firsts: list[Record]) -> list[str]:
    """A label for each row, from its first record: the model, and what differs from its other rows."""
    labels = []
    for record in firsts:
        settings, model = _settings(record), source_of(record).model
        namesakes = [_settings(other) for other in firsts if source_of(other).model == model]
        apart = [f"{key}={value}" for key, value in settings.items() if any(n.get(key) != value for n in namesakes)]
        labels.append(f"{model} ({', '.join(apart)})" if apart else model)
    return labels


def _summary(label: str, records: list[Record]) -> Summary:
    sources = [source_of(record) for record in records]
    keys = {key: None for record in records for key in record.metrics}  # a dict, which keeps their order
    return Summary(
        model=sources[0].model,
        label=label,
        data=records[0].data.name,
        seeds=[source.seed for source in sources],
        runs=[source.run for source in sources],
        rank=None,
        metrics={key: _aggregate([r.metrics[key] for r in records if key in r.metrics]) for key in keys},
        images_seen=fmean(source.cost.images_seen for source in sources),
        seconds=fmean(source.cost.seconds for source in sources),
        parameters=fmean(source.cost.parameters for source in sources),
    )


def _aggregate(scores: list[Score]) -> Aggregate:
    values = [score.value for score in scores]
    floors = [score.floor for score in scores if score.floor is not None]
    with np.errstate(all="ignore"):  # scores that are not finite give a mean and an error that are not
        mean = float(np.mean(values))
        standard_error = float(stats.sem(values)) if len(values) > 1 else None
    return Aggregate(
        label=scores[0].label,
        better=scores[0].better,
        mean=mean,
        standard_error=standard_error,
        interval=scores[0].interval if len(scores) == 1 else None,
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


def _rank(summary: Summary, summaries: list[Summary], key: str) -> int | None:
    own = summary.metrics.get(key)
    tested = [s.metrics[key] for s in summaries if key in s.metrics and s.metrics[key].testable]
    if own is None or not own.testable or len(tested) < 2:
        return None
    return 1 + sum(significantly_lower(other, own) for other in tested)


def _moments(metric: Aggregate) -> tuple[float, float, int]:
    """Mean, standard deviation (ddof 1) and number of values."""
    return metric.mean, float(np.std(metric.values, ddof=1)), len(metric.values)
