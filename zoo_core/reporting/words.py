"""What a table says, in words and numbers that every form of the report shares."""

import math
from typing import Literal, NamedTuple

from zoo_core.comparing.statistics import SIGNIFICANCE
from zoo_core.comparing.summaries import Aggregate, Summary
from zoo_core.comparing.tables import Pair, Table, is_frechet_distance
from zoo_core.evaluation.record import Score
from zoo_core.sampling.collapse import SHARE

FLOOR = "real images (floor)"
NOT_MEASURED = "–"
EFFICIENT = "◆"
"""Beside a cost by which no other model of the table is as good and as cheap."""


class Column(NamedTuple):
    """A table's column: its heading, a second line below it, and whether it holds numbers."""

    label: str
    note: str = ""
    numeric: bool = True


class Cell(NamedTuple):
    """What a table says in one place, what is told below it where there is room, and what it is sorted by."""

    text: str
    detail: str = ""
    value: float | None = None


class Grid(NamedTuple):
    """A table as text: one cell for each column in each row; the floor's row is None where no metric has one."""

    columns: list[Column]
    rows: list[list[Cell]]
    floor: list[str] | None


def grid(table: Table) -> Grid:
    """The ranked table: mean ± standard error of each metric with its interval, then what it cost."""
    first: dict[Column, list[Cell]] = {}
    if any(summary.rank is not None for summary in table.summaries):
        first[Column("Rank")] = [_rank(summary) for summary in table.summaries]
    first[Column("Model", numeric=False)] = [Cell(summary.label) for summary in table.summaries]
    first[Column("Seeds")] = [_seeds(summary) for summary in table.summaries]
    metrics = table.columns()
    measured = {
        Column(f"{_label(table, key)} {_arrow(metric)}", _sizes(metric)): _scores(table, key)
        for key, metric in metrics.items()
    }
    last = _other_checkpoint(table) | _costs(table)
    columns = first | measured | last
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    floors = [_floor(metric) for metric in metrics.values()]
    floor = [*(FLOOR if column.label == "Model" else "" for column in first), *floors, *("" for _ in last)]
    return Grid(list(columns), rows, floor if any(floors) else None)


def texts(cells: Grid) -> list[list[str]]:
    """All rows without their details, that of the floor last."""
    return [[cell.text for cell in row] for row in cells.rows] + ([cells.floor] if cells.floor else [])


def _scores(table: Table, key: str) -> list[Cell]:
    places = _column_places(table, key)
    return [_cell(summary.metrics.get(key), places) for summary in table.summaries]


def _cell(metric: Aggregate | None, places: int) -> Cell:
    if metric is None:
        return Cell(NOT_MEASURED)
    value = metric.mean if math.isfinite(metric.mean) else None
    return Cell(score(metric, places), _interval(metric.interval, places), value)


def _other_checkpoint(table: Table) -> dict[Column, list[Cell]]:
    """The ranking score of the checkpoints that the runs have beside the one that is scored."""
    key = table.ranked_by
    if key is None or not any(summary.other_checkpoint for summary in table.summaries):
        return {}
    other = {"final": "best", "best": "final"}[table.summaries[0].checkpoint]  # a table's rows are of the same kind
    places = _column_places(table, key)
    cells = [_cell(summary.other_checkpoint, places) for summary in table.summaries]
    metric = table.columns()[key]
    return {Column(f"{metric.label} {_arrow(metric)}", f"{other} checkpoint"): cells}


def _costs(table: Table) -> dict[Column, list[Cell]]:
    summaries = table.summaries

    def cost(summary: Summary, name: Literal["seconds", "parameters"], places: int = 0) -> Cell:
        mark = f" {EFFICIENT}" if name in summary.efficient and len(summaries) > 1 else ""
        value = getattr(summary, name)
        return Cell(_number(value, places) + mark, value=value)

    columns = {
        Column("Training", "seconds"): [cost(s, "seconds", 0 if s.seconds >= 10 else 1) for s in summaries],
        Column("Speed", "images/s"): [_speed(s.images_seen / s.seconds if s.seconds else None) for s in summaries],
        Column("Images seen"): [Cell(_number(s.images_seen, 0), value=s.images_seen) for s in summaries],
        Column("Parameters"): [cost(s, "parameters") for s in summaries],
    }
    if any(summary.sampling_speed is not None for summary in summaries):
        columns[Column("Sampling", "images/s")] = [_speed(summary.sampling_speed) for summary in summaries]
    if any(summary.collapses is not None for summary in summaries):
        columns[Column("Collapsed", "seeds")] = [_collapsed(summary) for summary in summaries]
    return columns


def _seeds(summary: Summary) -> Cell:
    failed = f" (+{len(summary.failed)} failed)" if summary.failed else ""
    return Cell(f"{len(summary.seeds)}{failed}", value=len(summary.seeds))


def _rank(summary: Summary) -> Cell:
    """ "1–3", or "2" where the tests leave one place; sorted by its middle."""
    if summary.rank is None:
        return Cell(NOT_MEASURED)
    first, last = summary.rank
    return Cell(str(first) if first == last else f"{first}–{last}", value=(first + last) / 2)


def _speed(value: float | None) -> Cell:
    return Cell(NOT_MEASURED) if value is None else Cell(_number(value, 0 if value >= 10 else 2), value=value)


def _collapsed(summary: Summary) -> Cell:
    found = summary.collapses
    if found is None:
        return Cell(NOT_MEASURED)
    low, high = (f"{100 * bound:.0f}" for bound in found.interval)
    return Cell(f"{found.count} of {found.of}", f"[{low}, {high}] %", found.count / found.of)


def _interval(interval: tuple[float, float] | None, places: int) -> str:
    return "" if interval is None else f"[{', '.join(_number(bound, places) for bound in interval)}]"


def heading(table: Table) -> str:
    """The data set and the size of its images, such as "digits@16 (16×16×1)"."""
    return f"{table.data.name} ({'×'.join(map(str, table.data.shape))})"


def seconds_of(table: Table) -> str:
    """What an axis of seconds is called."""
    return "seconds of training" + (", on different machines" if len(table.machines) > 1 else "")


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
    if any(metric.sampling_interval is not None for summary in table.summaries for metric in summary.metrics.values()):
        parts.append("For one seed, a 95 % interval from the draw of the images alone.")
    if any(key.startswith("memorization") for key in table.columns()):
        parts.append("Memorization above its floor means copied training images; below it, lower is no merit.")
    if any(summary.rank is not None for summary in table.summaries):
        parts.append(
            "Rank: the places that the tests leave a model, from 1 + the number of significantly better models to the "
            "number of all less the significantly worse ones, by the first score (Welch's two-sided t-test, "
            f"p < {SIGNIFICANCE} after Holm's correction for {_tests(len(table.pairs))})."
        )
    elif len(table.summaries) > 1 and table.ranked_by is not None:
        parts.append("Ordered by the first score; too few seeds to test any difference.")
    if len(table.summaries) > 1 and any(summary.efficient for summary in table.summaries):
        parts.append(f"{EFFICIENT}: no other model has as good a first score for as little of this.")
    if len(table.machines) > 1:
        parts.append(f"Seconds and speeds don't compare, they are of different machines: {'; '.join(table.machines)}.")
    if any(summary.collapses for summary in table.summaries):
        parts.append(f"Collapsed: seeds whose images vary less than {SHARE:.0%} as much as real ones.")
    return " ".join(parts)


def against_first(table: Table) -> list[Pair]:
    """Of the first model against each other one."""
    return [pair for pair in table.pairs if pair.better == table.summaries[0].label]


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count:,} tests"


def answer(table: Table) -> str:
    """One sentence: which model is best, by how much, and whether that is more than chance."""
    key, name = table.ranked_by, table.data.name
    measured = [summary for summary in table.summaries if key in summary.metrics]
    if key is None or not measured:
        return f"On {name} nothing was measured by which models are ranked, such as a distance to real images."
    best, others = measured[0], measured[1:]
    metric = best.metrics[key]
    if not math.isfinite(metric.mean):
        return f"On {name} no model reached a finite {metric.label}."
    value = score(metric, _column_places(table, key))
    floor = "" if metric.floor is None else f"; real images score {_number(metric.floor, _places([metric.floor], 3))}"
    if not others:
        return f"On {name}, {best.label} reaches {metric.label} {value}{floor}."
    superlative = {"lower": "lowest", "higher": "highest"}[metric.better]
    claim = _claim(table, others, {"lower": "below", "higher": "above"}[metric.better])
    return f"On {name}, {best.label} has the {superlative} {metric.label}, {value}, {claim}{floor}."


def score(metric: Aggregate | None, places: int) -> str:
    """ "12.3 ± 0.4" over seeds, "12.3 [11.5, 13.1]" for one."""
    if metric is None:
        return NOT_MEASURED
    mean = _number(metric.mean, places)
    if metric.standard_error is not None:
        return f"{mean} ± {_number(metric.standard_error, places)}"
    return f"{mean} {_interval(metric.sampling_interval, places)}".rstrip()


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


def _claim(table: Table, others: list[Summary], beyond: str) -> str:
    tested = against_first(table)
    if not tested:
        return "with too few seeds to say that this is more than chance"
    if close := [pair.worse for pair in tested if not pair.significant]:
        return f"not significantly {beyond} {_enumerate(close)}"
    return f"significantly {beyond} every other model{' that can be tested' if len(tested) < len(others) else ''}"


def _enumerate(names: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _label(table: Table, key: str) -> str:
    """A distance says its features; the other columns need not, as the facts above the table do."""
    metric = table.columns()[key]
    if key == table.ranked_by or is_frechet_distance(key, metric):
        return metric.label
    return metric.label.removesuffix(f" ({table.features.name.partition(':')[0]})")


def _arrow(metric: Aggregate) -> str:
    return {"lower": "↓", "higher": "↑"}[metric.better]


def _sizes(metric: Aggregate | Score) -> str:
    """The numbers of generated and reference images; one number where there are none of the others."""
    return "N = " + " / ".join(_number(size, 0) for size in (metric.n_generated, metric.n_reference) if size)


def _floor(metric: Aggregate) -> str:
    if metric.floor is None:
        return ""
    counts = [metric.n_floor]
    if metric.n_floor_reference != metric.n_reference:  # whose number the table has
        counts.append(metric.n_floor_reference)
    size = " / ".join(_number(count, 0) for count in counts if count is not None)
    size = f" (N = {size})" if size else ""
    return _number(metric.floor, _places([metric.floor], 3)) + size


def _column_places(table: Table, key: str) -> int:
    """The decimals of a column: enough for the smallest mean, and one more where the errors would vanish without. An
    interval has a width even where all its images agree and their error is 0."""
    column = [summary.metrics[key] for summary in table.summaries if key in summary.metrics]
    intervals = [metric.sampling_interval for metric in column if metric.sampling_interval is not None]
    means = _places([metric.mean for metric in column], 3)
    errors = [metric.standard_error for metric in column if metric.standard_error is not None]
    wanted = _places(errors + [upper - lower for lower, upper in intervals], 1)
    return min(max(means, wanted), means + 1) if any(metric.mean for metric in column) else wanted


def _places(values: list[float], digits: int) -> int:
    """The decimals that give the smallest of these so many significant digits."""
    sizes = [abs(value) for value in values if math.isfinite(value) and value]
    return min(max(digits - 1 - math.floor(math.log10(min(sizes))), 0), 6) if sizes else 0


def _number(value: float, places: int) -> str:
    return f"{value:z,.{places}f}" if math.isfinite(value) else str(value)
