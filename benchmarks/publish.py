"""Publish results: rebuild the README's results section and docs/leaderboard.md from what may be published.

    python benchmarks/publish.py                 # rebuild both from benchmarks/results
    python benchmarks/publish.py FOLDER NAME     # keep the comparison in FOLDER as NAME.json first, with its samples

`benchmarks/results/NAME.json` is a comparison's `results.json`; neither page shows a number that is not in one of them.
One that does not verify (`zoo report --check`), alone or beside those before it, is left out with the reason, and the
command exits with 1.
"""

import io
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from zoo_core.comparing.results import Comparison, gather
from zoo_core.comparing.summaries import source_of
from zoo_core.comparing.verify import problems
from zoo_core.errors import UsageError, ZooError
from zoo_core.files import write_bytes, write_text
from zoo_core.reporting import markdown_table, read_results

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
IMAGES = ROOT / "docs" / "images"
README, LEADERBOARD = ROOT / "README.md", ROOT / "docs" / "leaderboard.md"
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
HEIGHT = 480  # pixels of a picture, about
GAP = 24
IN_A_ROW = 3


def main(arguments: list[str]) -> int:
    try:
        if arguments:
            keep(*arguments)
        verified, refused = published()
        for page, text in ((README, results_section(verified)), (LEADERBOARD, leaderboard(verified))):
            write_text(page, with_section(page.read_text(encoding="utf-8"), text))
    except ZooError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for reason in refused:
        print(f"refused: {reason}", file=sys.stderr)
    return bool(refused)


def keep(*arguments: str) -> None:
    """A comparison's results and samples, if it may be published.

    Args:
        arguments: its folder, and the name to keep it under.

    Raises:
        UsageError: for other arguments, or a name under which there are models that the comparison has not.
        ZooError: where it may not be published, or a file or a sheet of samples can't be read or written.
    """
    if len(arguments) != 2:
        raise UsageError(
            f"Expected the folder of a comparison and a name, received {len(arguments)}.", "Say: publish.py FOLDER NAME"
        )
    folder, name = arguments
    file, kept = Path(folder) / "results.json", RESULTS / f"{name}.json"
    comparison = read_results(file)
    others = [read_results(path) for path in published()[0] if path != kept]
    if wrong := problems(comparison) or problems(together([*others, comparison])):
        raise ZooError("\n".join(f"refused: {folder}: {problem}" for problem in wrong))
    if kept.is_file() and (gone := models(read_results(kept)) - models(comparison)):
        raise UsageError(
            f"'{kept}' has {', '.join(sorted(gone))} too, expected all of its models in '{folder}'.",
            "Choose another name, or compare all of them.",
        )
    picture = io.BytesIO()
    side_by_side(sheets(*gather([file], "", ""))).save(picture, "PNG", optimize=True)
    write_bytes(kept, file.read_bytes())
    write_bytes(IMAGES / f"{name}.png", picture.getvalue())


def published() -> tuple[list[Path], list[str]]:
    """The files that verify, each also beside those that were made before it, and why the others don't."""
    found: dict[Path, Comparison] = {}
    refused = []
    for path in RESULTS.glob("*.json"):
        try:
            found[path] = read_results(path)
        except ZooError as error:
            refused.append(f"{path.name}: {error.message}")
    verified: dict[Path, Comparison] = {}
    for path, comparison in sorted(found.items(), key=lambda item: (item[1].created, item[0].stem)):
        wrong = problems(comparison)
        if not wrong and (wrong := problems(together([*verified.values(), comparison]))):
            wrong = [f"beside the files before it: {problem}" for problem in wrong]
        refused += [f"{path.name}: {problem}" for problem in wrong]
        verified |= {} if wrong else {path: comparison}
    return sorted(verified, key=lambda path: path.stem), sorted(refused)


def together(comparisons: list[Comparison]) -> Comparison:
    """Several as one. Runs of different ones may have the same name."""
    return Comparison(
        title="Leaderboard",
        command="",
        created="",
        records=[record for comparison in comparisons for record in comparison.records],
        failures=[failure for comparison in comparisons for failure in comparison.failures],
    )


def models(comparison: Comparison) -> set[str]:
    return {source_of(record).model for record in comparison.records}


def with_section(page: str, text: str) -> str:
    """A page with what stands between its markers made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{text}{END}{after}"


def results_section(files: list[Path]) -> str:
    parts = []
    for path in files:
        comparison = read_results(path)
        models = [summary.label for summary in comparison.summaries()]
        parts += [markdown_table(comparison).strip(), f"{measured(comparison)}."]
        if (IMAGES / f"{path.stem}.png").is_file():
            restored = "~" in comparison.records[0].data.name
            what = "Held-out images (input, output, original)" if restored else "Samples"
            parts += [
                f"{what} of {', '.join(models)}, in this order, seed 0, none selected:",
                f"![{what} of {', '.join(models)} on {path.stem}](docs/images/{path.stem}.png)",
            ]
    return "".join(f"{part}\n\n" for part in parts)


def leaderboard(files: list[Path]) -> str:
    """A table for each protocol, over all files."""
    if not files:
        return "Nothing is published yet.\n"
    found = {path.name: read_results(path) for path in files}
    comparison = together(list(found.values()))
    sources = [f"- [{name}](../benchmarks/results/{name}): {measured(one)}." for name, one in found.items()]
    return f"{markdown_table(comparison).strip()}\n\n" + "\n".join(sources) + "\n"


def measured(comparison: Comparison) -> str:
    environment = source_of(comparison.records[0]).environment
    packages, device = environment["packages"], environment["device"]
    device = f"{environment['cores']} CPU cores" if device.startswith("cpu") else device
    backend = environment["backend"]
    return f"Measured by `{comparison.command}` on {device}, Keras {packages['keras']}, {backend} {packages[backend]}"


def sheets(comparison: Comparison, runs: Mapping[str, Path]) -> list[Image.Image]:
    """The last sample sheet of the first seed of each model, in the order of the table.

    Args:
        runs: the folder of each record's run, by `record.source.run`.

    Raises:
        ZooError: for one that can't be read.
    """
    found = []
    for run in (summary.runs[0] for summary in comparison.summaries()):
        path = runs.get(run, Path(run)) / "samples" / "final.png"
        try:
            with Image.open(path) as image:
                found.append(image.copy())
        except OSError as error:
            raise ZooError(f"'{path}' can't be read: {error}.", "Publish where the runs are.") from error
    return found


def side_by_side(images: list[Image.Image]) -> Image.Image:
    """On white, in rows with their tops aligned, enlarged by a whole factor without smoothing."""
    factor = max(1, HEIGHT // max(image.height for image in images))
    images = [image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST) for image in images]
    rows = [images[start : start + IN_A_ROW] for start in range(0, len(images), IN_A_ROW)]
    width = max(sum(image.width + GAP for image in row) for row in rows) - GAP
    height = sum(max(image.height for image in row) + GAP for row in rows) - GAP
    sheet = Image.fromarray(np.full((height, width, 3), 255, "uint8"))
    top = 0
    for row in rows:
        left = 0
        for image in row:
            sheet.paste(image.convert("RGB"), (left, top))
            left += image.width + GAP
        top += max(image.height for image in row) + GAP
    return sheet


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
