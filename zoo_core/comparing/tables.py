"""Like put beside like: records sorted into tables, ranked and tested."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from zoo_core.comparing.statistics import SIGNIFICANCE, pairwise, pareto_front
from zoo_core.comparing.summaries import OPTION, Aggregate, Summary, machine_of, settings_of, source_of, summary_of
from zoo_core.evaluation.metrics import metric_of
from zoo_core.evaluation.protocol import Protocol, differences
from zoo_core.evaluation.record import DataRecord, Features, Frozen, Record, Score

Cost = Literal["seconds", "parameters"]


class Pair(Frozen):
    """Whether two rows of a table, by their labels, differ in its ranking score.

    Attributes:
        difference: between their means; not below 0.
        p: of Welch's test, adjusted by Holm's for all tests of the table.
    """

    better: str
    worse: str
    difference: float
    p: float

    @property
    def significant(self) -> bool:
        return self.p < SIGNIFICANCE


class Table(Frozen):
    """Rows that may be compared: same protocol, same reference, same feature network, same numbers of images.

    Attributes:
        apart: why these rows are not in the table of the same data set before, "field: there, here"; empty where
            there is none.
        ranked_by: the key of the score that orders the summaries, best first: of the protocol's first metric, else (or
            where no row has that) the Fréchet distance; None where neither was measured.
        pairs: each two rows that can be tested, by that score.
        machines: the kinds of machine that the rows were trained on; seconds and speeds compare only where it is one.
    """

    data: DataRecord
    features: Features
    protocol: Protocol | None
    apart: list[str]
    ranked_by: str | None
    summaries: list[Summary]
    pairs: list[Pair]
    machines: list[str]

    def columns(self) -> dict[str, Aggregate]:
        """Every metric of the table, the ranking one first, then other distances; each with the numbers of the first
        summary that has it, whose label, sample sizes and floor stand for all."""
        found: dict[str, Aggregate] = {}
        for summary in self.summaries:
            found = {**found, **{key: metric for key, metric in summary.metrics.items() if key not in found}}
        order = sorted(found, key=lambda key: (key != self.ranked_by, not is_frechet_distance(key, found[key])))
        return {key: found[key] for key in order}


def tables_of(records: list[Record]) -> list[Table]:
    """The records in as few tables as keep unlike ones apart, in the order in which they were given.

    Args:
        records: of runs: each has a `source`.
    """
    groups: list[list[Record]] = []
    homes: dict[object, list[Record]] = {}
    for record in records:
        kind = (record.protocol, frozenset(_traits(record).items()))  # those of one kind are unlike the same others
        if kind not in homes:
            home = next((group for group in groups if not any(unlike(record, other) for other in group)), None)
            if home is None:
                groups.append(home := [])
            homes[kind] = home
        homes[kind].append(record)
    return [_table(group, _apart(group[0], [g[0] for g in groups[:n]])) for n, group in enumerate(groups)]


def unlike(record: Record, other: Record) -> list[str]:
    """What forbids to compare two records, each as "field: one, other"; nothing where they may be compared."""
    ones, others = _traits(record), _traits(other)
    if record.data.content_hash == other.data.content_hash:
        del ones["data"]  # the same images may be named in several ways
    shared = [trait for trait in ones if trait in others]  # which metrics were measured is free
    different = [f"{trait}: {ones[trait]}, {others[trait]}" for trait in shared if ones[trait] != others[trait]]
    return differences(record.protocol, other.protocol) + different


def _traits(record: Record) -> dict[str, str | int | None]:
    """What two records must agree in, beside the protocol, where both have it."""
    traits: dict[str, str | int | None] = {
        "data": record.data.name,
        "data.content_hash": record.data.content_hash,
        "data.reference": record.data.reference,
        "data.shape": "x".join(map(str, record.data.shape)),
        "checkpoint": source_of(record).checkpoint_rule,
        "features": record.features.name,
        "features.weights_sha256": record.features.weights_sha256,
        "features.plugin": record.features.plugin,
    }
    for key, score in record.metrics.items():
        traits[f"{key}.n_generated"] = score.n_generated
        traits[f"{key}.n_reference"] = score.n_reference
        traits[f"{key}.plugin"] = score.plugin
    return traits


def is_frechet_distance(key: str, score: Score | Aggregate) -> bool:
    """Whether a score with this key is one, such as "fid" or "fd_classifier"; estimates for endless images are not, nor
    is what a plugin calls much the same."""
    return score.plugin is None and metric_of(key, ("fd", "fid_infinity")) == "fd"


def _apart(record: Record, before: list[Record]) -> list[str]:
    namesakes = [other for other in before if other.data.name == record.data.name]
    return unlike(namesakes[-1], record) if namesakes else []


def _table(records: list[Record], apart: list[str]) -> Table:
    rows: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        rows.setdefault((source_of(record).model, json.dumps(settings_of(record))), []).append(record)
    labels = _labels([row[0] for row in rows.values()])
    ranked_by = _ranking_key(records)
    summaries = [summary_of(label, row, ranked_by) for label, row in zip(labels, rows.values(), strict=True)]
    pairs: list[Pair] = []
    machines = list(dict.fromkeys(map(machine_of, records)))
    if ranked_by is not None:
        summaries.sort(key=lambda summary: _cost_of(summary, ranked_by))
        pairs = _pairs(summaries, ranked_by)
        ranks = _ranks(summaries, ranked_by, pairs)
        costs: tuple[Cost, ...] = ("parameters",) if len(machines) > 1 else ("seconds", "parameters")
        efficient = _efficient(summaries, ranked_by, costs)
        summaries = [
            summary.model_copy(update={"rank": rank, "efficient": found})
            for summary, rank, found in zip(summaries, ranks, efficient, strict=True)
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
        machines=machines,
    )


def _labels(firsts: list[Record]) -> list[str]:
    """A label for each row, from its first record: the model, and what differs from its other rows."""
    rows = [(source_of(record).model, settings_of(record)) for record in firsts]
    namesakes: dict[str, list[dict[str, str]]] = {}
    for model, settings in rows:
        namesakes.setdefault(model, []).append(settings)
    differing = {
        model: {key for key in set[str]().union(*found) if len({settings.get(key) for settings in found}) > 1}
        for model, found in namesakes.items()
    }
    labels = []
    for model, settings in rows:
        apart = [f"{key.removeprefix(OPTION)}={value}" for key, value in settings.items() if key in differing[model]]
        labels.append(f"{model} ({', '.join(apart)})" if apart else model)
    return labels


def _ranking_key(records: list[Record]) -> str | None:
    """Of records that share a protocol, or have none."""
    scores = {key: score for record in records for key, score in record.metrics.items()}
    protocol = records[0].protocol
    metrics = protocol.scoring.metrics if protocol else ()
    first = [key for key in scores if protocol and metric_of(key, metrics) == metrics[0]]
    return next(iter(first or (key for key, score in scores.items() if is_frechet_distance(key, score))), None)


def _cost_of(summary: Summary, key: str) -> tuple[bool, float]:
    """Lowest where the score is best; then what is not finite, then what was not measured."""
    metric = summary.metrics.get(key)
    if metric is None or not math.isfinite(metric.mean):
        return metric is None, math.inf
    return False, metric.mean if metric.better == "lower" else -metric.mean


def _pairs(summaries: Sequence[Summary], key: str) -> list[Pair]:
    """Of summaries in their order, so that the first of two is the better one."""
    scores = [summary.metrics[key].values if key in summary.metrics else [] for summary in summaries]
    return [
        Pair(
            better=summaries[i].label,
            worse=summaries[j].label,
            difference=abs(summaries[j].metrics[key].mean - summaries[i].metrics[key].mean),
            p=p,
        )
        for (i, j), p in pairwise(scores).items()
    ]


def _ranks(summaries: Sequence[Summary], key: str, pairs: list[Pair]) -> list[tuple[int, int] | None]:
    """The places that the tests leave to each summary; all of them to one that can't be tested."""
    placed = [s.label for s in summaries if key in s.metrics and math.isfinite(s.metrics[key].mean)] if pairs else []
    beaten = Counter(pair.worse for pair in pairs if pair.significant)
    ahead = Counter(pair.better for pair in pairs if pair.significant)
    return [
        (1 + beaten[summary.label], len(placed) - ahead[summary.label]) if summary.label in placed else None
        for summary in summaries
    ]


def _efficient(summaries: Sequence[Summary], key: str, costs: tuple[Cost, ...]) -> list[tuple[Cost, ...]]:
    """By which of these costs each summary is on the Pareto front."""
    fronts = [pareto_front([(getattr(row, cost), _cost_of(row, key)[1]) for row in summaries]) for cost in costs]
    return [tuple(cost for cost, on in zip(costs, row, strict=True) if on) for row in zip(*fronts, strict=True)]
