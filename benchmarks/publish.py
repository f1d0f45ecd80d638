"""Publish results: rebuild the README's results section and docs/leaderboard.md from what may be published.

    python benchmarks/publish.py                 # rebuild both from benchmarks/results
    python benchmarks/publish.py demo digits     # keep the comparison in demo as digits.json first, with its samples

`benchmarks/results/NAME.json` is a comparison's `results.json`; neither page shows a number that is not in one of them.
One that does not verify (`zoo report --check`) is left out with the reason, and the command exits with 1.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from zoo_core.comparing.results import Comparison, gather
from zoo_core.comparing.summaries import source_of
from zoo_core.comparing.verify import problems
from zoo_core.errors import ZooError
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
    if arguments:
        keep(Path(arguments[0]), arguments[1])
    verified, refused = published()
    for page, text in ((README, results_section(verified)), (LEADERBOARD, leaderboard(verified))):
        page.write_text(with_section(page.read_text(encoding="utf-8"), text), encoding="utf-8")
    for reason in refused:
        print(f"refused: {reason}", file=sys.stderr)
    return bool(refused)


def keep(folder: Path, name: str) -> None:
    """A comparison's results and samples, if it may be published."""
    comparison = read_results(folder / "results.json")
    if wrong := problems(comparison):
        sys.exit("\n".join(f"refused: {folder}: {problem}" for problem in wrong))
    RESULTS.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "results.json", RESULTS / f"{name}.json")
    side_by_side(sheets(comparison)).save(IMAGES / f"{name}.png", optimize=True)


def published() -> tuple[list[Path], list[str]]:
    """The files that verify, and why the others don't."""
    verified, refused = [], []
    for path in sorted(RESULTS.glob("*.json"), key=lambda path: path.stem):
        try:
            wrong = problems(read_results(path))
        except ZooError as error:
            wrong = [error.message]
        refused += [f"{path.name}: {problem}" for problem in wrong]
        verified += [] if wrong else [path]
    return verified, refused


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
            restored = "~" in comparison.records[0].data.reference
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
    comparison, _ = gather(files, "Leaderboard", "")
    sources = [f"- [{path.name}](../benchmarks/results/{path.name}): {measured(read_results(path))}." for path in files]
    return f"{markdown_table(comparison).strip()}\n\n" + "\n".join(sources) + "\n"


def measured(comparison: Comparison) -> str:
    environment = source_of(comparison.records[0]).environment
    packages, device = environment["packages"], environment["device"]
    device = f"{environment['cores']} CPU cores" if device.startswith("cpu") else device
    backend = environment["backend"]
    return f"Measured by `{comparison.command}` on {device}, Keras {packages['keras']}, {backend} {packages[backend]}"


def sheets(comparison: Comparison) -> list[Image.Image]:
    """The last sample sheet of the first seed of each model, in the order of the table."""
    return [Image.open(Path(summary.runs[0]) / "samples" / "final.png") for summary in comparison.summaries()]


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
