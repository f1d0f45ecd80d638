"""What changed between two result sets, and whether that is more than chance."""

from typing import NamedTuple

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.statistics import SIGNIFICANCE, holm, welch
from zoo_core.comparing.summaries import OPTION, Summary, settings_of, source_of
from zoo_core.comparing.tables import Table, unlike
from zoo_core.evaluation.record import Frozen, Record


class Change(Frozen):
    """One metric of one model, before and after.

    Attributes:
        before, after: means over training seeds.
        p: of Welch's test, adjusted by Holm's for all metrics of all models of the two sets; None where there is
            nothing to test: the same scores, one seed, or a score that is not finite.
        verdict: "better" or "worse" where p is below 0.05, "same" where no seed's score differs, else "not significant"
            or, without a test, "untested".
    """

    data: str
    model: str
    metric: str
    label: str
    before: float
    after: float
    before_error: float | None
    after_error: float | None
    p: float | None
    verdict: str


class Difference(Frozen):
    """Two result sets, side by side.

    Attributes:
        settings: of each model that is in both, what was chosen or installed differently, as "field: before, after".
        gone, new: models of one set alone, as "MODEL on DATA".
        unlike: models whose scores can't be compared, with what forbids it.
        failures_before, failures: of either set, as `Comparison.failed_runs` tells of them.
    """

    changes: list[Change]
    settings: dict[str, list[str]]
    gone: list[str]
    new: list[str]
    unlike: dict[str, list[str]]
    failures_before: list[str]
    failures: list[str]


class _Row(NamedTuple):
    """A row, the table that it is in, and its first record."""

    table: Table
    summary: Summary
    record: Record

    @property
    def place(self) -> tuple[str, str]:
        return self.summary.label, self.table.data.name


def diff(before: Comparison, after: Comparison) -> Difference:
    """Compare the models that both have, by their names and what sets them apart in their tables."""
    ones, others = _named(_rows(before), _rows(after))
    shared = [name for name in ones if name in others]
    apart = {name: unlike(ones[name].record, others[name].record) for name in shared}
    changes = [
        _change(name, key, ones[name].summary, others[name].summary)
        for name in shared
        if not apart[name]
        for key in ones[name].summary.metrics
        if key in others[name].summary.metrics
    ]
    settings = {name: _settings(ones[name].record, others[name].record) for name in shared}
    return Difference(
        changes=_corrected(changes),
        settings={name: found for name, found in settings.items() if found},
        gone=[name for name in ones if name not in others],
        new=[name for name in others if name not in ones],
        unlike={name: found for name, found in apart.items() if found},
        failures_before=before.failed_runs(),
        failures=after.failed_runs(),
    )


def _rows(comparison: Comparison) -> list[_Row]:
    records = {source_of(record).run: record for record in comparison.records}
    return [_Row(table, row, records[row.runs[0]]) for table in comparison.tables() for row in table.summaries]


def _named(before: list[_Row], after: list[_Row]) -> tuple[dict[str, _Row], dict[str, _Row]]:
    """The rows of either set, by "MODEL on DATA" and, where there are several of that, by what they are scored by."""
    ones: dict[str, _Row] = {}
    others: dict[str, _Row] = {}
    for place in dict.fromkeys(row.place for row in [*before, *after]):
        pairs = _paired(*([row for row in rows if row.place == place] for rows in (before, after)))
        scored_by = list(map(_scored_by, pairs))
        for number, ((one, other), by) in enumerate(zip(pairs, scored_by, strict=True), start=1):
            name = " on ".join(place)
            if len(pairs) > 1:
                name += f" ({by})" if scored_by.count(by) == 1 else f" ({by}, {number})"
            ones |= {name: one} if one else {}
            others |= {name: other} if other else {}
    return ones, others


def _paired(before: list[_Row], after: list[_Row]) -> list[tuple[_Row | None, _Row | None]]:
    """Rows that may be compared, whatever the order of their tables; then the rest, in that order."""
    left = list(after)
    pairs: list[tuple[_Row | None, _Row | None]] = []
    for row in before:
        place = next((n for n, other in enumerate(left) if not unlike(row.record, other.record)), None)
        pairs.append((row, None if place is None else left.pop(place)))
    rest = iter(left)
    return [(one, other or next(rest, None)) for one, other in pairs] + [(None, other) for other in rest]


def _scored_by(pair: tuple[_Row | None, _Row | None]) -> str:
    row = next(row for row in pair if row)
    return f"{row.table.protocol or 'no protocol'}, {row.table.features.name}"


def _change(name: str, key: str, one: Summary, other: Summary) -> Change:
    before, after = one.metrics[key], other.metrics[key]
    same = sorted(before.values) == sorted(after.values)
    p = None if same else welch(before.values, after.values)
    verdict = "same" if same else "untested"
    if p is not None:
        verdict = "better" if (after.mean < before.mean) == (before.better == "lower") else "worse"
    return Change(
        data=name.removeprefix(f"{one.label} on "),
        model=one.label,
        metric=key,
        label=before.label,
        before=before.mean,
        after=after.mean,
        before_error=before.standard_error,
        after_error=after.standard_error,
        p=p,
        verdict=verdict,
    )


def _corrected(changes: list[Change]) -> list[Change]:
    adjusted = iter(holm([change.p for change in changes if change.p is not None]))
    return [change if change.p is None else _judged(change, next(adjusted)) for change in changes]


def _judged(change: Change, p: float) -> Change:
    verdict = change.verdict if p < SIGNIFICANCE else "not significant"
    return change.model_copy(update={"p": p, "verdict": verdict})


def _settings(before: Record, after: Record) -> list[str]:
    ones, others = ({**settings_of(record), **_environment(record)} for record in (before, after))
    pairs = {key: (ones.get(key, "none"), others.get(key, "none")) for key in {**ones, **others}}
    return [f"{key.removeprefix(OPTION)}: {one}, {other}" for key, (one, other) in pairs.items() if one != other]


def _environment(record: Record) -> dict[str, str]:
    environment = source_of(record).environment
    packages = {f"package.{name}": str(version) for name, version in environment.get("packages", {}).items()}
    return {key: str(environment[key]) for key in ("backend", "device", "precision", "git") if key in environment} | (
        packages | {"features.runtime": record.features.runtime}
    )
