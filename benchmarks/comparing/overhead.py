"""What the grid itself takes: beside the cells' own work, and for a plan of a thousand cells.

    python benchmarks/comparing/overhead.py [ARGUMENTS OF zoo compare]

`zoo compare`, by default `dcgan vae cgan --protocol digits`, works off its cells one at a time, in a new folder. A
cell's own work is from when its process has its lock until its record is written: loading data, training and scoring,
without starting Python and importing Keras. The rest of the wall time is the grid's: `start` before the first cell,
`between` cells, `end`, with the report.

Then a plan of 1,000 cells, each time from the start of the process: `zoo compare --plan` and `--dry-run` list it; where
all of it is finished, with records that are copies of one, `zoo_core.compare` gathers them, and `zoo compare` writes
the report, too.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from zoo_core.comparing.cell import Cell
from zoo_core.comparing.plan import Plan, cells_of
from zoo_core.evaluation.record import Record

ZOO = [sys.executable, "-c", "from zoo_core.cli.main import run; run()", "compare"]
RESUME = "import sys, json, zoo_core; zoo_core.compare(**json.loads(sys.argv[1]))"
TINY = {"vae": {"width": 2, "latent": 2}}


def seconds_of(command: list[str]) -> float:
    began = time.time()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.time() - began


def spans(out: Path) -> list[tuple[float, float]]:
    """When each cell began and ended, in the order of time."""
    folders = [path for path in out.glob("cells/*") if path.is_dir()]
    return sorted(((f / ".lock").stat().st_mtime, (f / "result.json").stat().st_mtime) for f in folders)


def measure_overhead(arguments: list[str], out: Path) -> None:
    began = time.time()
    subprocess.run([*ZOO, *arguments, "--out", str(out), "--workers", "1"], check=True, stdout=subprocess.DEVNULL)
    ended = time.time()
    cells = spans(out)
    work = sum(end - begin for begin, end in cells)
    between = sum(after[0] - before[1] for before, after in pairwise(cells))
    parts = {"start": cells[0][0] - began, "between": between, "end": ended - cells[-1][1]}
    rest = ended - began - work
    print(f"{len(cells)} cells: {ended - began:.1f} s, of them {work:.1f} s of work; the rest is {rest:.1f} s")
    print(f"overhead: {100 * rest / work:.1f} %", {name: f"{seconds:.1f} s" for name, seconds in parts.items()})


def measure_plan(out: Path) -> None:
    models, asked = ("vae",), {"data": ["digits@8"], "options": TINY, "features": "pixels", "count": 80}
    arguments = ["vae", "--data", "digits@8", "--features", "pixels", "-n", "80", "--seeds", "1000", "--out", str(out)]
    arguments += [word for name, value in TINY["vae"].items() for word in ("-o", f"vae.{name}={value}")]
    print(f"--plan of 1,000 cells: {seconds_of([*ZOO, *arguments, '--plan']):.1f} s")
    print(f"--dry-run of 1,000 cells: {seconds_of([*ZOO, *arguments, '--dry-run']):.1f} s")
    cells = cells_of(Plan(models=models, seeds=1000, **asked), out)
    subprocess.run([*ZOO, *arguments, "--cell", "0"], check=True)
    record = cells[0].record()
    assert record is not None, cells[0].failure()
    for cell in cells[1:]:
        copy(record, cells[0], cell)
    print(f"--dry-run of 1,000 finished cells: {seconds_of([*ZOO, *arguments, '--dry-run']):.1f} s")
    resumed = json.dumps({"models": models, "seeds": 1000, **asked, "out": str(out)})
    print(f"resuming 1,000 finished cells: {seconds_of([sys.executable, '-c', RESUME, resumed]):.1f} s")
    print(f"resuming them by the command, with its report: {seconds_of([*ZOO, *arguments]):.1f} s")


def copy(record: Record, one: Cell, other: Cell) -> None:
    assert record.source is not None
    other.run.mkdir(parents=True)
    shutil.copy(one.run / "run.json", other.run)
    other.finish(record.model_copy(update={"source": record.source.model_copy(update={"seed": other.seed})}))


def main() -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began")
    with tempfile.TemporaryDirectory() as folder:
        measure_plan(Path(folder) / "plan")
        measure_overhead(sys.argv[1:] or ["dcgan", "vae", "cgan", "--protocol", "digits"], Path(folder) / "grid")


if __name__ == "__main__":
    main()
