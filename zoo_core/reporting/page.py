"""The report as one HTML file that needs nothing else: no network, no other file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.tables import Summary, Table, source_of
from zoo_core.evaluation.record import Cost, Record
from zoo_core.files import write_text
from zoo_core.reporting import curves, words
from zoo_core.reporting.pictures import Picture, picture
from zoo_core.runs import RunDescription, RunFolder


class Shown(NamedTuple):
    """One image of one seed; `picture` is None where the run has none."""

    seed: int
    run: str
    picture: Picture | None


class Row(NamedTuple):
    """What the page shows of one model beside its numbers."""

    summary: Summary
    samples: list[Shown]
    reconstructions: list[Shown]
    chart: Markup


class Section(NamedTuple):
    """One table and all that belongs to it."""

    table: Table
    grid: words.Grid
    rows: list[Row]


class Entry(NamedTuple):
    """How one record came about."""

    description: RunDescription
    facts: list[tuple[str, str]]


def write_report(comparison: Comparison, runs: Mapping[str, Path], out: Path) -> None:
    """Write the report of a comparison.

    Args:
        runs: the folder of each record's run, by `record.source.run`.
        out: the HTML file; replaced if it is there.

    Raises:
        ZooError: where a run's `run.json` or `out` fails.
    """
    folders = {name: RunFolder(path) for name, path in runs.items()}
    environment = Environment(
        loader=PackageLoader("zoo_core", "reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [_section(number, table, folders) for number, table in enumerate(comparison.tables())]
    page = environment.get_template("report.html.j2").render(
        comparison=comparison,
        sections=sections,
        entries=[_entry(record, folders) for record in comparison.records],
        words=words,
        plotly=Markup(curves.script()) if any(row.chart for s in sections for row in s.rows) else None,
    )
    write_text(out, page)


def _section(number: int, table: Table, folders: Mapping[str, RunFolder]) -> Section:
    rows = []
    for position, summary in enumerate(table.summaries):
        lines = [folders[run].metrics() for run in summary.runs]
        reconstructions = _shown(summary, "reconstructions.png", folders)
        rows.append(
            Row(
                summary,
                samples=_shown(summary, "final.png", folders),
                reconstructions=[shown for shown in reconstructions if shown.picture],
                chart=Markup(curves.chart(lines, f"curves-{number}-{position}")),
            )
        )
    return Section(table, words.grid(table), rows)


def _shown(summary: Summary, name: str, folders: Mapping[str, RunFolder]) -> list[Shown]:
    seeds = zip(summary.seeds, summary.runs, strict=True)
    return [Shown(seed, run, picture(folders[run].samples / name)) for seed, run in seeds]


def _entry(record: Record, folders: Mapping[str, RunFolder]) -> Entry:
    source, data, features = source_of(record), record.data, record.features
    description = folders[source.run].description()
    weights = f"weights SHA-256 {features.weights_sha256}" if features.weights_sha256 else "without weights"
    scores = [words.in_full(score) for score in record.metrics.values()]
    protocol = f"{record.protocol}, SHA-256 {record.protocol.sha256}" if record.protocol else "none"
    facts = [
        ("Run", f"{source.run}, checkpoint of step {source.checkpoint:,}"),
        ("Plugin", f"{source.distribution} {source.version}"),
        ("Trained on", f"{description.data.name}, content SHA-256 {description.data.content_hash}"),
        ("Protocol", protocol),
        ("Scored against", f"{data.reference} of {data.name}, content SHA-256 {data.content_hash}"),
        ("Features", f"{features.name}, {weights}, by {features.runtime}"),
        ("Scores", "; ".join(scores) or "none"),
        ("Seeds", f"training {source.seed}, sampling {record.sampling_seed}"),
        ("Model options", _text(source.options)),
        ("Training options", _text(source.training)),
        ("Training cost", _cost(source.cost)),
        ("Environment", _text(source.environment)),
        ("Evaluated", record.created),
    ]
    return Entry(description, facts)


def _cost(cost: Cost) -> str:
    return (
        f"{cost.steps:,} steps of {cost.batch_size:,} images, {cost.images_seen:,} images seen, "
        f"{cost.seconds:,.1f} s in training steps of {cost.wall_seconds:,.1f} s in all, "
        f"{cost.parameters:,} parameters, peak memory {cost.peak_memory_mib:,.0f} MiB"
    )


def _text(values: Mapping[str, Any]) -> str:
    """Options and environments for reading: "width=32, packages=(keras=3.15.1, jax=0.10.2)"."""
    inner = {key: f"({_text(value)})" if isinstance(value, Mapping) else value for key, value in values.items()}
    return ", ".join(f"{key}={value}" for key, value in inner.items())
