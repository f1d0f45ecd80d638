"""Train and evaluate every cell of a plan alike, each in a process of its own, reusing what is there."""

import datetime
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from zoo_core.comparing.cell import Cell, State
from zoo_core.comparing.engines import Engine, LocalEngine
from zoo_core.comparing.plan import Plan, cells_of, read_plan
from zoo_core.errors import Interrupted, UsageError
from zoo_core.lists import as_list
from zoo_core.options import resolve
from zoo_core.specs import AUTO
from zoo_core.training.options import as_asked
from zoo_core.training.selection import Rule

if TYPE_CHECKING:
    from zoo_core.comparing.results import Comparison

EngineName = Literal["local", "ray"]


class Seen(NamedTuple):
    """A cell as it is just now.

    Args:
        state: that of the cell, or else "waiting" or "running".
        line: its `progress()` while it runs; may be empty.
    """

    cell: Cell
    state: State | Literal["waiting", "running"]
    line: Mapping[str, float]


Watch = Callable[[Sequence[Seen]], None]
"""Is shown all cells about once a second, and at the end."""


def compare(
    models: Sequence[str] | str | Path,
    data: str | Sequence[str] = (),
    out: str | Path | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    training: Mapping[str, Any] | None = None,
    features: str = AUTO,
    weights: str | Path | None = None,
    metrics: str | Sequence[str] | None = None,
    count: int | None = None,
    checkpoint: Rule | None = None,
    protocol: str | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
    engine: EngineName = "local",
    workers: int | None = None,
    retry_failed: bool = False,
    watch: Watch | None = None,
    command: str = "",
) -> "Comparison":
    """Train each model on each data set from each seed, and score all of them by the same rules.

    Each run is a process of its own. Runs are kept in `out/runs/`, what they said and scored in `out/cells/`. Those
    that the same call has finished before are reused, those that it began are gone on with. A run that fails is noted,
    and the others go on; it is not tried again unless `retry_failed`. One that another process works on for more than a
    minute is left to it, and is then among the failures.

    Args:
        models: names of `zoo models list`; or the path of a TOML file, "FILE.toml", that holds a `Plan`, the only one
            to say what is compared then.
        out: the comparison's folder; by default one in `comparisons/`, named by models and data.
        data, seeds, options, training, features, weights, metrics, count, checkpoint, protocol: see
            `zoo_core.comparing.plan.Plan`.
        data_dir, device: as in `zoo_core.train`.
        engine: "local", processes of this machine, or "ray", a cluster.
        workers: of the local engine, processes at once; by default one for each GPU, or one.
        watch: is shown the progress.

    Raises:
        UsageError: for whatever was asked wrong, before anything is trained.
        Interrupted: on Ctrl-C, with all runs stopped; the same call goes on later.
    """
    named = {
        "data": tuple(as_list(data)) or None,
        "seeds": seeds if seeds is None or isinstance(seeds, int) else tuple(seeds),
        "options": options,
        "training": training,
        "features": None if features == AUTO else features,
        "weights": weights,
        "metrics": None if metrics is None else tuple(as_list(metrics)),
        "count": count,
        "checkpoint": checkpoint,
        "protocol": protocol,
    }
    given = {name: value for name, value in named.items() if value is not None}
    if isinstance(models, str | Path):
        if Path(models).suffix != ".toml":
            raise UsageError(
                f"Expected a list of models, or the path of a plan, received '{models}'.",
                f"Write zoo_core.compare(['{models}'], …) for one model; a plan is a file FILE.toml.",
            )
        if given:
            raise UsageError(
                f"The plan '{models}' says what is compared, received {', '.join(given)} beside it.",
                "Change the file, or name the models in place of it.",
            )
        plan = read_plan(Path(models))
    else:
        plan = resolve(Plan, {"models": tuple(models), **given}, "the comparison")
    folder = Path(out) if out else Path("comparisons") / plan.name
    directory = Path(data_dir) if data_dir else None
    cells = cells_of(plan, folder, data_dir=directory, device=device, command=command)
    run_cells(cells, open_engine(engine, workers, device), retry_failed=retry_failed, watch=watch)
    return gather(cells)


def open_engine(name: EngineName, workers: int | None, device: str) -> Engine:
    """Raises UsageError for `workers` with Ray, which shares its machines out itself."""
    if name == "local":
        return LocalEngine(workers, device)
    if workers is not None:
        raise UsageError("Ray decides itself how many cells run at once.", "Leave --workers out.")
    from zoo_core.comparing.ray_engine import RayEngine

    return RayEngine(device)


def run_cells(cells: Sequence[Cell], engine: Engine, *, retry_failed: bool = False, watch: Watch | None = None) -> None:
    """Bring all cells to an end that are not finished yet; failed ones only where they are to be tried again.

    Raises:
        Interrupted: on Ctrl-C, with a checkpoint of each run that was under way.
    """
    began = time.time()
    states: dict[int, State | Literal["waiting"]] = {cell.number: cell.state() for cell in cells}
    waiting = [cell for cell in cells if states[cell.number] not in _ends(retry_failed)]
    states |= {cell.number: "waiting" for cell in waiting}

    def show() -> None:
        if watch is not None:
            watch([_seen(cell, states[cell.number], began) for cell in cells])

    show()
    if not waiting:
        return
    try:
        with closing(engine.run(waiting)) as running:
            for ended in running:
                if ended is None:
                    show()
                elif (state := ended.state()) in ("finished", "failed"):  # if not, another process works on it
                    states[ended.number] = state
    except KeyboardInterrupt as error:
        raise Interrupted(
            f"Stopped; {sum(cell.state() == 'finished' for cell in cells)} of {len(cells)} cells are finished.",
            f"Give the same command again to go on; runs are in '{cells[0].out}'.",
        ) from error


def gather(cells: Sequence[Cell]) -> "Comparison":
    """The records of the finished cells, and why others have none."""
    from zoo_core.comparing.results import Comparison, Failure  # which imports Keras

    records, failures = [], []
    for cell in cells:
        if record := cell.record():
            records.append(record)
            continue
        failures.append(
            Failure(
                model=cell.model,
                options=cell.options,
                data=cell.data,
                protocol=str(cell.scoring.protocol or ""),
                seed=cell.seed,
                error=_problem(cell),
                run=str(cell.run),
            )
        )
    models, data = (", ".join(dict.fromkeys(names)) for names in zip(*((c.model, c.data) for c in cells), strict=True))
    return Comparison(
        title=f"{models} on {data}",
        command=cells[0].command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        records=records,
        failures=failures,
    )


def _problem(cell: Cell) -> str:
    """Why it has no record."""
    if failed := cell.failure():
        return failed.error
    return "it is in use: another process works on it" if cell.in_use() else "it was not run to its end"


def preview(cells: Sequence[Cell], *, retry_failed: bool = False) -> list[dict[str, Any]]:
    """What there is to do: a dict for each cell, with its state; and of those that `run_cells` would work off the
    seconds that the training, without scoring, and the MiB that the run are expected to take, else None. They are found
    once for each model, setting and data set: from a finished cell, or else by a few steps. Nothing is written.
    """
    states = {cell.number: cell.state() for cell in cells}
    ends = _ends(retry_failed)
    expected: dict[str, tuple[float, float]] = {}
    for cell in cells:
        if states[cell.number] == "finished" and cell.setting not in expected:
            expected[cell.setting] = _taken(cell)
    return [_foreseen(cell, states[cell.number], ends, expected) for cell in cells]


def _ends(retry_failed: bool) -> Sequence[State]:
    """The states in which a cell is left as it is."""
    return ("finished",) if retry_failed else ("finished", "failed")


def _foreseen(
    cell: Cell, state: State, ends: Sequence[State], expected: dict[str, tuple[float, float]]
) -> dict[str, Any]:
    seconds = mib = None
    if state not in ends:
        if cell.setting not in expected:
            expected[cell.setting] = _estimated(cell)
        seconds, mib = expected[cell.setting]
    return {
        "cell": cell.number,
        "model": cell.model,
        "data": cell.data,
        "seed": cell.seed,
        "options": cell.swept,
        "state": state,
        "train_seconds": seconds,
        "disk_mib": mib,
        "run": str(cell.run),
    }


def _taken(cell: Cell) -> tuple[float, float]:
    record = cell.record()
    assert record is not None  # it is finished
    assert record.source is not None
    size = sum(path.stat().st_size for path in cell.run.rglob("*") if path.is_file())
    return record.source.cost.wall_seconds, round(size / 2**20, 1)


def _estimated(cell: Cell) -> tuple[float, float]:
    from zoo_core.data import load_dataset
    from zoo_core.training.estimate import estimate

    data = load_dataset(cell.data, cell.data_dir)
    found = estimate(cell.model, data, options=cell.options, training=as_asked(cell.training), device=cell.device)
    return found["train_seconds"], found["disk_mib"]


def _seen(cell: Cell, state: State | Literal["waiting"], began: float) -> Seen:
    if state != "waiting" or not cell.started_after(began):
        return Seen(cell, state, {})
    return Seen(cell, "running", cell.progress())
