"""Publish a comparison: keep its results, picture its samples, and rewrite the results section of the README.

    make demo && python benchmarks/publish.py demo digits
    python benchmarks/publish.py                            # only rewrite the section from what is published

`benchmarks/results/NAME.json` is the comparison's `results.json`; the README shows nothing that is not in one of them.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from zoo_core.comparing.results import Comparison
from zoo_core.reporting import markdown_table, read_results

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
IMAGES = ROOT / "docs" / "images"
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
HEIGHT = 480  # pixels of a picture, about
GAP = 24


def main(arguments: list[str]) -> None:
    if arguments:
        folder, name = Path(arguments[0]), arguments[1]
        comparison = read_results(folder / "results.json")
        RESULTS.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / "results.json", RESULTS / f"{name}.json")
        side_by_side(sheets(comparison)).save(IMAGES / f"{name}.png", optimize=True)
    readme = ROOT / "README.md"
    readme.write_text(with_results(readme.read_text(encoding="utf-8")), encoding="utf-8")


def with_results(readme: str) -> str:
    """The README with its results section made anew from `benchmarks/results`."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{section()}{END}{after}"


def section() -> str:
    parts = []
    for path in sorted(RESULTS.glob("*.json")):
        comparison = read_results(path)
        models = [summary.label for summary in comparison.summaries()]
        environment = comparison.records[0].source.environment
        packages, device = environment["packages"], environment["device"]
        device = f"{environment['cores']} CPU cores" if device.startswith("cpu") else device
        parts += [
            markdown_table(comparison).strip(),
            f"Measured by `{comparison.command}` on {device}, Keras {packages['keras']}, JAX {packages['jax']}.",
            f"Samples of {', '.join(models)}, in this order, seed 0, none selected:",
            f"![Samples of {', '.join(models)} on {path.stem}](docs/images/{path.stem}.png)",
        ]
    return "".join(f"{part}\n\n" for part in parts)


def sheets(comparison: Comparison) -> list[Image.Image]:
    """The last sample sheet of the first seed of each model, in the order of the table."""
    return [Image.open(Path(summary.runs[0]) / "samples" / "final.png") for summary in comparison.summaries()]


def side_by_side(images: list[Image.Image]) -> Image.Image:
    """On white, tops aligned, enlarged by a whole factor without smoothing."""
    factor = max(1, HEIGHT // max(image.height for image in images))
    images = [image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST) for image in images]
    width = sum(image.width + GAP for image in images) - GAP
    height = max(image.height for image in images)
    sheet = Image.fromarray(np.full((height, width, 3), 255, "uint8"))
    left = 0
    for image in images:
        sheet.paste(image.convert("RGB"), (left, 0))
        left += image.width + GAP
    return sheet


if __name__ == "__main__":
    main(sys.argv[1:])
