"""What changed between two result sets, and whether that is more than chance."""

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.statistics import SIGNIFICANCE, holm, welch
from zoo_core.comparing.summaries import Aggregate, Summary, settings_of, source_of
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
        failures: of the second set, as `Comparison.failed_runs` tells of them.
    """

    changes: list[Change]
    settings: dict[str, list[str]]
    gone: list[str]
    new: list[str]
    unlike: dict[str, list[str]]
    failures: list[str]


def diff(before: Comparison, after: Comparison) -> Difference:
    """Compare the models that both have, by their names and what sets them apart in their tables."""
    ones, others = _rows(before), _rows(after)
    shared = [name for name in ones if name in others]
    apart = {name: unlike(ones[name][1], others[name][1]) for name in shared}
    changes = [
        _change(name, key, ones[name][0].metrics[key], others[name][0].metrics[key], ones[name][0])
        for name in shared
        if not apart[name]
        for key in ones[name][0].metrics
        if key in others[name][0].metrics
    ]
    settings = {name: _settings(ones[name][1], others[name][1]) for name in shared}
    return Difference(
        changes=_corrected(changes),
        settings={name: found for name, found in settings.items() if found},
        gone=[name for name in ones if name not in others],
        new=[name for name in others if name not in ones],
        unlike={name: found for name, found in apart.items() if found},
        failures=after.failed_runs(),
    )


def _rows(comparison: Comparison) -> dict[str, tuple[Summary, Record]]:
    """Each row with its first record, by "MODEL on DATA"; a second table of the same data set adds its protocol or, as
    there may be several without, its number."""
    records = {source_of(record).run: record for record in comparison.records}
    found: dict[str, tuple[Summary, Record]] = {}
    for number, table in enumerate(comparison.tables(), start=1):
        for summary in table.summaries:
            name = f"{summary.label} on {table.data.name}"
            if name in found:
                name += f" ({_table_name(table, number)})"
            found[name] = (summary, records[summary.runs[0]])
    return found


def _table_name(table: Table, number: int) -> str:
    return str(table.protocol) if table.protocol else f"table {number}"


def _change(name: str, key: str, before: Aggregate, after: Aggregate, summary: Summary) -> Change:
    same = sorted(before.values) == sorted(after.values)
    p = None if same else welch(before.values, after.values)
    verdict = "same" if same else "untested"
    if p is not None:
        verdict = "better" if (after.mean < before.mean) == (before.better == "lower") else "worse"
    return Change(
        data=summary.data,
        model=name.removesuffix(f" on {summary.data}"),
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
    return [f"{key}: {one}, {other}" for key, (one, other) in pairs.items() if one != other]


def _environment(record: Record) -> dict[str, str]:
    environment = source_of(record).environment
    packages = {f"package.{name}": str(version) for name, version in environment.get("packages", {}).items()}
    return {key: str(environment[key]) for key in ("backend", "device", "precision", "git") if key in environment} | (
        packages | {"features.runtime": record.features.runtime}
    )
