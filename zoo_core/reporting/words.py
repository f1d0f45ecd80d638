"""What a table says, in words and numbers that every form of the report shares."""

import math
from typing import NamedTuple

from zoo_core.comparing.tables import SIGNIFICANCE, Aggregate, Table, significantly_lower
from zoo_core.evaluation.record import Score

FLOOR = "real images (floor)"
NOT_MEASURED = "–"


class Column(NamedTuple):
    """A table's column: its heading, a second line below it, and whether it holds numbers."""

    label: str
    note: str = ""
    numeric: bool = True


class Grid(NamedTuple):
    """A table as text: one cell for each column in each row; the floor's row is None where no metric has one."""

    columns: list[Column]
    rows: list[list[str]]
    floor: list[str] | None


def grid(table: Table) -> Grid:
    """The ranked table: mean ± standard error of each metric, then what it cost."""
    ranked = any(summary.rank is not None for summary in table.summaries)
    metrics = table.columns()
    places = {key: _column_places(table, key) for key in metrics}
    columns = [
        *([Column("Rank")] if ranked else []),
        Column("Model", numeric=False),
        Column("Seeds"),
        *(Column(f"{_label(table, key)} {_arrow(metric)}", _sizes(metric)) for key, metric in metrics.items()),
        Column("Training", "seconds"),
        Column("Speed", "images/s"),
        Column("Images seen"),
        Column("Parameters"),
    ]
    rows = [
        [
            *([str(summary.rank or NOT_MEASURED)] if ranked else []),
            summary.label,
            str(len(summary.seeds)),
            *(score(summary.metrics.get(key), places[key]) for key in metrics),
            _number(summary.seconds, 0 if summary.seconds >= 10 else 1),
            _number(summary.images_seen / summary.seconds, 0) if summary.seconds else NOT_MEASURED,
            _number(summary.images_seen, 0),
            _number(summary.parameters, 0),
        ]
        for summary in table.summaries
    ]
    floor = [*([""] if ranked else []), FLOOR, "", *(_floor(metric) for metric in metrics.values()), "", "", "", ""]
    return Grid(columns, rows, floor if any(metric.floor is not None for metric in metrics.values()) else None)


def heading(table: Table) -> str:
    """The data set and the size of its images, such as "digits@16 (16×16×1)"."""
    return f"{table.data.name} ({'×'.join(map(str, table.data.shape))})"


def facts(table: Table) -> list[tuple[str, str]]:
    """What makes the rows of this table comparable, as terms and what they are."""
    weights = table.features.weights_sha256
    splits = table.data.reference
    reference = f"{splits} images of {table.data.name}" if splits == "all" else f"{splits} split of {table.data.name}"
    return [
        *([("Protocol", str(table.protocol))] if table.protocol else []),
        ("Reference", reference),
        ("Data hash", short(table.data.content_hash)),
        ("Features", table.features.name + (f", weights {short(weights)}" if weights else "")),
    ]


def note(table: Table) -> str:
    """How to read the table's sizes, errors and ranks."""
    parts = [f"Not in the table before because of {'; '.join(table.apart)}."] if table.apart else []
    parts += ["N: generated / reference images."]
    if any(len(summary.seeds) > 1 for summary in table.summaries):
        parts.append("Mean ± standard error over training seeds.")
    if any(metric.interval is not None for summary in table.summaries for metric in summary.metrics.values()):
        parts.append("For one seed, a 95 % interval from the draw of the images alone.")
    if any(key.startswith("memorization") for key in table.columns()):
        parts.append("Memorization above its floor means copied training images; below it, lower is no merit.")
    if any(summary.rank is not None for summary in table.summaries):
        parts.append(
            "Rank: 1 + the number of models that are significantly better by the first score "
            f"(Welch's two-sided t-test, p < {SIGNIFICANCE}, uncorrected); models of the same rank are tied."
        )
    elif len(table.summaries) > 1 and table.ranked_by is not None:
        parts.append("Ordered by the first score; too few seeds to test any difference.")
    return " ".join(parts)


def answer(table: Table) -> str:
    """One sentence: which model is best, by how much, and whether that is more than chance."""
    key, name = table.ranked_by, table.data.name
    measured = [summary for summary in table.summaries if key in summary.metrics]
    if key is None or not measured:
        return f"On {name} no distance to real images was measured, so the models are not ranked."
    best, others = measured[0], measured[1:]
    metric = best.metrics[key]
    if not math.isfinite(metric.mean):
        return f"On {name} no model reached a finite {metric.label}."
    value = score(metric, _column_places(table, key))
    floor = "" if metric.floor is None else f"; real images score {_number(metric.floor, _places([metric.floor], 3))}"
    if not others:
        return f"On {name}, {best.label} reaches {metric.label} {value}{floor}."
    return f"On {name}, {best.label} has the lowest {metric.label}, {value}, {_claim(table, key)}{floor}."


def score(metric: Aggregate | None, places: int) -> str:
    """ "12.3 ± 0.4" over seeds, "12.3 [11.5, 13.1]" for one."""
    if metric is None:
        return NOT_MEASURED
    mean = _number(metric.mean, places)
    if metric.standard_error is not None:
        return f"{mean} ± {_number(metric.standard_error, places)}"
    if metric.interval is not None:
        return f"{mean} [{', '.join(_number(bound, places) for bound in metric.interval)}]"
    return mean


def in_full(score: Score) -> str:
    """One run's score with its interval, floor and sizes, such as "FD (classifier) 1.710 [1.622, 1.798], floor 0.3663,
    N = 1,294 / 359"."""
    floor = [] if score.floor is None else [f"floor {number(score.floor)}"]
    return ", ".join([f"{score.label} {number(score.value)} {bounds(score)}".rstrip(), *floor, _sizes(score)])


def bounds(score: Score) -> str:
    """The interval, "[1.622, 1.798]", or nothing."""
    return "" if score.interval is None else f"[{', '.join(map(number, score.interval))}]"


def number(value: float) -> str:
    """To four significant digits."""
    return _number(value, _places([value], 4))


def short(hexadecimal: str) -> str:
    """Enough of a hash to tell it from others."""
    return hexadecimal[:12]


def _claim(table: Table, key: str) -> str:
    best, *others = [summary for summary in table.summaries if key in summary.metrics]
    if not any(other.rank for other in others):
        return "with too few seeds to say that this is more than chance"
    close = [other.label for other in others if not significantly_lower(best.metrics[key], other.metrics[key])]
    if not close:
        return "significantly below every other model"
    return f"not significantly below {_enumerate(close)}"


def _enumerate(names: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _label(table: Table, key: str) -> str:
    """A distance says its features; the other columns need not, as the facts above the table do."""
    label = table.columns()[key].label
    return label if key == table.ranked_by else label.removesuffix(f" ({table.features.name.partition(':')[0]})")


def _arrow(metric: Aggregate) -> str:
    return {"lower": "↓", "higher": "↑"}[metric.better]


def _sizes(metric: Aggregate | Score) -> str:
    """The numbers of generated and reference images; one number where there are none of the others."""
    return "N = " + " / ".join(_number(size, 0) for size in (metric.n_generated, metric.n_reference) if size)


def _floor(metric: Aggregate) -> str:
    if metric.floor is None:
        return ""
    size = "" if metric.n_floor is None else f" (N = {_number(metric.n_floor, 0)})"
    return _number(metric.floor, _places([metric.floor], 3)) + size


def _column_places(table: Table, key: str) -> int:
    """The decimals of a column: enough for the smallest mean, and one more where the errors would vanish without."""
    column = [summary.metrics[key] for summary in table.summaries if key in summary.metrics]
    means = _places([metric.mean for metric in column], 3)
    errors = _places([metric.standard_error for metric in column if metric.standard_error is not None], 1)
    return min(max(means, errors), means + 1)


def _places(values: list[float], digits: int) -> int:
    """The decimals that give the smallest of these so many significant digits."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    return min(max(digits - 1 - math.floor(math.log10(min(sizes))), 0), 6) if sizes else 0


def _number(value: float, places: int) -> str:
    return f"{value:,.{places}f}" if math.isfinite(value) else str(value)
