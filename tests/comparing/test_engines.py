"""The local engine shares cells among processes that may die or be stopped. They are stand-ins here, which start fast
and do as the seed of their cell says."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo_core.comparing import engines, process
from zoo_core.comparing.cell import Cell
from zoo_core.comparing.engines import LocalEngine, visible_gpus
from zoo_core.comparing.plan import Plan, cells_of
from zoo_core.errors import ZooError

STAND_IN = """
import json, os, pathlib, signal, sys, time
line = sys.stdin.readline()
if not line:
    sys.exit(0)
cell = json.loads(line)
folder = pathlib.Path(cell["out"], "cells", cell["name"])
folder.mkdir(parents=True, exist_ok=True)
with (folder / "cell.log").open("a") as log:
    print(os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE"), file=log)
attempt = len((folder / "cell.log").read_text().splitlines())
kind = cell["seed"] % 10
if kind == 1 and attempt == 1 or kind == 2:
    os.kill(os.getpid(), signal.SIGKILL)
if kind == 3:
    sys.exit("no such thing")
if kind == 4:
    os.read(0, 1)
    sys.exit(130)
if kind == 5:
    time.sleep(600)
if kind == 6:
    sys.exit(75)
(folder / "failure.json").write_text(json.dumps({"asked": cell["asked"], "error": "done", "log": []}))
"""
"""What a cell's process looks like from outside. Seed 0: it notes something at once (as a failure, which is simplest);
1: it is killed once; 2: always; 3: it ends without a word; 4: it goes on until it is stopped; 5: it does not stop;
6: another process works on the cell."""


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Cell]]:
    """`cells(0, 1, 4)`: with these seeds; of two that differ by tens the process does the same."""
    monkeypatch.setattr(process, "_COMMAND", [sys.executable, "-c", STAND_IN])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return lambda *seeds: cells_of(Plan(models=("vae",), data=("digits@8",), seeds=seeds), tmp_path)


def attempts(cell: Cell) -> int:
    return len(cell.log_file.read_text().splitlines())


@pytest.mark.parametrize("workers", [1, 3])
def test_each_cell_ends_once_whatever_becomes_of_the_others(cells: Callable[..., list[Cell]], workers: int):
    asked = cells(0, 1, 2, 3, 10)
    ended = [cell for cell in LocalEngine(workers).run(asked) if cell]
    assert sorted(cell.number for cell in ended) == list(range(5))
    if workers == 1:
        assert ended == asked
    assert [attempts(cell) for cell in asked] == [1, 2, 2, 1, 1]
    errors = [cell.failure().error for cell in asked]
    assert errors[0] == errors[1] == errors[4] == "done"
    assert errors[2] == "Its process was killed by signal 9 (SIGKILL). The system does that where memory runs out."
    assert errors[3] == "Its process ended with exit code 1: no such thing."


def test_a_cell_that_another_process_works_on_is_left_to_it(cells: Callable[..., list[Cell]]):
    (cell,) = asked = cells(6)
    assert [one for one in LocalEngine(1).run(asked) if one] == asked
    assert cell.state() == "new"


@pytest.mark.parametrize(("workers", "given"), [(None, ["a", "b", "a"]), (2, ["a", "b"]), (3, ["a", "b", "a"])])
def test_workers_share_out_the_gpus(cells, monkeypatch: pytest.MonkeyPatch, workers: int | None, given: list[str]):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "a,b")
    engine = LocalEngine(workers)
    assert engine._workers == (workers or 2)
    running = engine.run(asked := cells(4, 14, 24))
    deadline = time.monotonic() + 60
    while sum(cell.log_file.exists() for cell in asked) < engine._workers:
        assert next(running) is None
        assert time.monotonic() < deadline
    running.close()
    logs = [cell.log_file.read_text().split() for cell in asked if cell.log_file.exists()]
    assert sorted(log[0] for log in logs) == sorted(given[: engine._workers])
    assert {log[1] for log in logs} == ({"false"} if workers == 3 else {"None"})


def test_a_cpu_has_one_worker(cells: Callable[..., list[Cell]], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "a,b")
    assert LocalEngine(device="cpu")._workers == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert visible_gpus() == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("PATH", "")
    assert visible_gpus() == []


def test_closed_it_stops_what_runs_and_begins_nothing_more(cells: Callable[..., list[Cell]]):
    asked = cells(4, 14, 24)
    running = LocalEngine(2).run(asked)
    while sum(cell.log_file.exists() for cell in asked) < 2:
        assert next(running) is None
    running.close()
    assert not asked[2].log_file.exists()
    assert [cell.failure() for cell in asked] == [None] * 3


def test_a_second_ctrl_c_kills_what_does_not_stop(cells: Callable[..., list[Cell]], monkeypatch: pytest.MonkeyPatch):
    asked = cells(5)
    running = LocalEngine(1).run(asked)
    while not asked[0].log_file.exists():
        next(running)
    original, calls = engines.ThreadPoolExecutor.shutdown, []

    def shutdown(self, *args, **named) -> None:
        calls.append(named)
        if len(calls) == 1:
            raise KeyboardInterrupt  # pressed while it waits
        original(self, *args, **named)

    monkeypatch.setattr(engines.ThreadPoolExecutor, "shutdown", shutdown)
    with pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt)
    assert asked[0].failure() is None


def test_the_next_process_warms_up_while_a_cell_runs(cells: Callable[..., list[Cell]], monkeypatch: pytest.MonkeyPatch):
    begun = []

    class Noted(process.CellProcess):
        def __init__(self, environment: dict) -> None:
            begun.append(threading.current_thread())
            super().__init__(environment)

    monkeypatch.setattr(engines, "CellProcess", Noted)
    asked = cells(4, 14)
    running = LocalEngine(1).run(asked)
    while not asked[0].log_file.exists():
        next(running)
    assert len(begun) == 2
    running.close()
    assert not asked[1].log_file.exists()


def test_a_full_disk_ends_all(cells: Callable[..., list[Cell]], monkeypatch: pytest.MonkeyPatch):
    def full(self: Cell, error: str) -> None:
        raise ZooError("disk full")

    monkeypatch.setattr(Cell, "fail", full)
    with pytest.raises(ZooError, match="disk full"):
        list(LocalEngine(2).run(cells(3, 4, 14)))
