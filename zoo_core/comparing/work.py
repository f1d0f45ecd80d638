"""The process of one cell: `python -m zoo_core.comparing.work`.

It is started before it is known what for: it imports what every cell needs, and then reads a `Cell` as one line of JSON
from its standard input. When that ends, be it that the process at the other end closes it or dies, the training stops
between two steps, with a checkpoint.
"""

import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from zoo_core import api
from zoo_core.comparing.cell import Cell, CellInUse
from zoo_core.data import Dataset, load_dataset
from zoo_core.data.sources import without_splits
from zoo_core.errors import Interrupted, ZooError
from zoo_core.evaluation.evaluate import Rules, evaluate_run
from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.sources import open_images
from zoo_core.features import load_features
from zoo_core.files import write_text
from zoo_core.runs import RunFolder
from zoo_core.training.log import Report
from zoo_core.training.memory import keep_freed_memory
from zoo_core.training.options import as_asked
from zoo_core.training.selection import is_finished
from zoo_core.training.session import run_options

_SECONDS_BETWEEN_LINES = 10


def main() -> int:
    """The exit code: 0, 1 where the cell failed and says so in its folder, or that of `Interrupted` or `CellInUse`."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where a shell started us in the background
    # What ends a job tells all of its processes; the one that started this one does so again, and twice is at once.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    keep_freed_memory()
    line = sys.stdin.readline()
    if not line:
        return 0  # there was no cell left
    cell = Cell.model_validate_json(line)
    _say_everything_to(cell.log_file)
    threading.Thread(target=_interrupt_at_end_of_input, daemon=True).start()
    return attempt(cell)


def attempt(cell: Cell) -> int:
    """Work a cell off where no other process does, and give the exit code, as for `main`."""
    try:
        with cell.lock():
            if cell.record() is None:
                _work_off(cell)
    except (Interrupted, KeyboardInterrupt) as error:
        print(error, file=sys.stderr)
        return Interrupted.exit_code
    except CellInUse as error:  # what becomes of it, that process will say
        print(error, file=sys.stderr)
        return CellInUse.exit_code
    except Exception as error:  # whatever a plugin raises
        traceback.print_exc()
        cell.fail(str(error) if isinstance(error, ZooError) else f"{type(error).__name__}: {error}")
        return 1
    return 0


def _work_off(cell: Cell) -> None:
    report, scoring = _Log(), cell.scoring
    dataset = load_dataset(cell.data, cell.data_dir)
    network = load_features(scoring.features, dataset.spec, scoring.weights)
    compared = scoring.protocol.data.compared if scoring.protocol else without_splits(cell.data)
    reference = open_images(compared, data_dir=cell.data_dir)
    with FeatureStore(report=report) as store:
        if scoring.protocol:
            rules = Rules.of(scoring.protocol, network, store)
        else:
            rules = Rules(
                network=network,
                store=store,
                metrics=scoring.metrics,
                count=scoring.count,
                seed=scoring.seed,
                checkpoint=scoring.checkpoint,
                strict=False,  # the same metrics for models of every kind
            )
        _train(cell, dataset, report)
        record = evaluate_run(cell.run, dataset, reference, rules)
    write_text(RunFolder(cell.run).result_file, record.model_dump_json(indent=2) + "\n")
    cell.finish(record)


def _train(cell: Cell, dataset: Dataset, report: Report) -> None:
    run = RunFolder(cell.run)
    if not RunFolder.is_run(cell.run):
        api.train(
            cell.model,
            dataset,
            cell.run,
            seed=cell.seed,
            options=cell.options,
            training=as_asked(cell.training),
            data_dir=cell.data_dir,
            device=cell.device,
            report=report,
            command=cell.command,
        )
    elif not is_finished(run, run_options(run, run.description())[-1]):
        api.resume(cell.run, data=dataset, device=cell.device, report=report)


class _Log:
    """A `Report`: a line now and then."""

    def __init__(self) -> None:
        self._label, self._end, self._printed = "", ("step", 0.0), 0.0

    def begin(self, label: str, step: int, steps: int, seconds: float = 0.0) -> None:
        self._label, self._end = label, ("seconds", seconds) if seconds else ("step", steps)
        print(f"{label}: from {step:,}", file=sys.stderr)

    def log(self, line: dict[str, float]) -> None:
        now, (budget, end) = time.monotonic(), self._end
        if line[budget] >= end or now - self._printed >= _SECONDS_BETWEEN_LINES:
            self._printed = now
            print(f"{self._label}: {line['step']:,}, {line['images_per_second']:,.0f} images/s", file=sys.stderr)

    def warn(self, message: str) -> None:
        print(f"Warning: {message}", file=sys.stderr)


def _say_everything_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    print(time.strftime("--- %Y-%m-%d %H:%M:%S %z, process"), os.getpid(), file=sys.stderr)


def _interrupt_at_end_of_input() -> None:
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    sys.exit(main())
