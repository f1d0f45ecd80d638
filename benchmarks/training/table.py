"""The table of training speed in `benchmarks/README.md`, made from `benchmarks/results/training/*.json`.

python benchmarks/training/table.py
"""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[1]
RESULTS = BENCHMARKS / "results" / "training"
README = BENCHMARKS / "README.md"
BEGIN, END = "<!-- training:begin -->", "<!-- training:end -->"
COLUMNS = (
    "case",
    "implementation",
    "ms/step",
    "images/s",
    "× torch",
    "× best torch",
    "× keras",
    "of a matrix product's rate",
    "peak MiB",
    "first losses differ by",
)


def publish() -> None:
    """Rewrite the README's section."""
    README.write_text(with_results(README.read_text(encoding="utf-8")), encoding="utf-8")


def with_results(readme: str) -> str:
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{section()}{END}{after}"


def section(folder: Path = RESULTS) -> str:
    """For each device: how and where it was measured, and the table."""
    parts = []
    for path in sorted(folder.glob("*.json")):
        results = json.loads(path.read_text(encoding="utf-8"))
        cases = results["cases"]
        rows = [row for name, case in cases.items() for row in rows_of(name, case)]
        parts += [caption(list(cases.values())), markdown(COLUMNS, rows)]
        if results["engine"]:
            parts.append(markdown(("the engine itself", ""), list(results["engine"].items())))
    return "".join(f"{part}\n\n" for part in parts)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, ["---"] * len(columns), *rows))


def caption(cases: list[dict[str, Any]]) -> str:
    """What is not the same for all cases is given for each."""

    def of(key: str) -> str:
        return ", ".join(dict.fromkeys(case[key] for case in cases))

    versions: dict[str, None] = {}
    for case in cases:
        for implementation in case["implementations"].values():
            versions |= dict.fromkeys(f"{name} {version}" for name, version in implementation["versions"].items())
    rates: dict[str, list[str]] = {}  # what a matrix product reached beside each case, by precision
    for case in cases:
        rates.setdefault(case["precision"], []).append(f"{case['matrix_product'] / 1e12:.2f}")
    products = (
        f"{' to '.join(dict.fromkeys((min(found), max(found))))} TFLOP/s in {precision}"
        for precision, found in rates.items()
    )
    commands = " and ".join(dict.fromkeys(f"`{case['command']}`" for case in cases))
    return (
        f"{commands}, {of('machine')}, {of('platform')}, Python {of('python')}, {', '.join(versions)}; {of('date')}, "
        f"commit {of('commit')}. A product of large matrices reaches {', '.join(products)}."
    )


def rows_of(name: str, case: dict[str, Any]) -> list[list[str]]:
    times = {key: median(found["milliseconds"]) for key, found in case["implementations"].items()}
    peers = (times.get("torch"), best_torch(times), times.get("keras"))
    rows = []
    for implementation, found in case["implementations"].items():
        ms = times[implementation]
        rows.append(
            [
                name,
                implementation,
                f"{ms:.3g}" if ms < 100 else f"{ms:.0f}",
                f"{1000 * case['images'] / ms:.0f}",
                *(f"{peer / ms:.2f}" if peer else "" for peer in peers),
                f"{case['operations'] / (ms / 1000) / case['matrix_product']:.0%}",
                str(found["peak_mib"]),
                f"{found['losses_differ'][0]:.0e}",
            ]
        )
    return rows


def best_torch(times: dict[str, float]) -> float | None:
    return min((ms for name, ms in times.items() if name.startswith("torch")), default=None)


if __name__ == "__main__":
    publish()
