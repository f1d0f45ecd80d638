"""Kill a process at any moment and nothing is lost: the run ends with the bits of one that was never interrupted."""

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest
from toys import created

import zoo_core
from zoo_core.data import load_dataset
from zoo_core.errors import UsageError
from zoo_core.runs import RunDescription, RunFolder
from zoo_core.training import checkpoint, session

KILLED = """
import os, resource, signal, sys

event, part, number, *command = sys.argv[1:]
left = int(number)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)

def hook(name, args):
    global left
    if name not in ("open", "os.mkdir", "os.rename", "os.remove") or not str(args[0]).startswith(os.environ["RUN"]):
        return
    if name == "open" and (not isinstance(args[1], str) or not set("wa") & set(args[1])):
        return
    if event not in ("any", name) or part not in os.path.basename(args[0]):
        return
    left -= 1
    if left:
        return
    if name != "open":
        os.kill(os.getpid(), signal.SIGKILL)
    # Half-way through the write the kernel ends the process: no file may grow beyond this.
    size = os.path.getsize(args[0]) if "a" in args[1] and os.path.exists(args[0]) else 0
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, resource.RLIM_INFINITY))

sys.addaudithook(hook)
sys.argv = ["zoo", *command]
from zoo_core.cli.main import run
run()
"""
"""`zoo …`, which dies at the given event of writing to the run's folder: of any kind or one, in files of any name or of
those with a part, and of these the one of this number."""

TIMES = {"seconds", "wall_seconds", "images_per_second", "peak_memory_mib"}
SMALL = {"width": 2, "latent": 2}
FEW = {"batch_size": 8, "steps": 12, "checkpoint_every": 3, "sample_every": 5, "log_every": 2}
MANY = {**FEW, "steps": 240, "checkpoint_every": 1, "select_every": 20, "log_every": 1, "keep": 3}

Event = tuple[str, str, int]


def zoo(run: Path, training: dict[str, int], event: Event = ("never", "", 1)) -> subprocess.Popen:
    """Start a process that begins the run, or goes on with it."""
    options = ["--data", "digits@8", *(f"-o{name}={value}" for name, value in SMALL.items())]
    options += [f"-t{name}={value}" for name, value in training.items()]
    arguments = ["--resume", str(run)] if RunFolder.is_run(run) else ["dcgan", *options, "--out", str(run)]
    command = [sys.executable, "-c", KILLED, *map(str, event), "train", *arguments]
    cache = run.parent / "cache"  # of compiled steps: nobody else's, since this process may die while it writes there
    environment = {**os.environ, "RUN": str(run), "JAX_COMPILATION_CACHE_DIR": str(cache)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ends_by(process: subprocess.Popen) -> int:
    """The number of the signal that killed it, 0 for none. Any other end is a failure."""
    _, told = process.communicate(timeout=300)
    assert process.returncode in (0, -signal.SIGKILL, -signal.SIGXFSZ), told
    return -process.returncode


def contents(run: Path) -> dict[str, object]:
    """All that is in the folder but who made it when."""
    files = {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}
    del files["run.json"], files[".lock"]
    lines = [json.loads(line) for line in files.pop("metrics.jsonl").splitlines()]
    return {**files, "metrics": [{key: line[key] for key in line.keys() - TIMES} for line in lines]}


def assert_same(run: Path, whole: Path) -> None:
    found, expected = contents(run), contents(whole)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []


@pytest.mark.slow
def test_killed_wherever_it_hurts_a_run_ends_as_if_nothing_had_happened(tmp_path: Path):
    deaths: list[Event] = [
        ("os.rename", "run.json", 1),  # before it is a run
        ("open", "metrics.jsonl", 2),  # within a line, and before there is any checkpoint
        ("open", "step-00000006.h5", 1),  # within a checkpoint
        ("os.remove", "step-00000006.h5", 2),  # the last checkpoint is there, and with it those that have to go
    ]
    for event in deaths:
        assert ends_by(zoo(tmp_path / "run", FEW, event))
    assert ends_by(zoo(tmp_path / "run", FEW)) == 0
    zoo_core.train("dcgan", "digits@8", tmp_path / "whole", options=SMALL, training=FEW)
    assert_same(tmp_path / "run", tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_at_many_moments_a_run_ends_as_if_nothing_had_happened(tmp_path: Path, seed: int):
    """Between any two writes and within any, and at any time, also while it starts."""
    rng, deaths = random.Random(seed), []
    run, whole = tmp_path / "run", tmp_path / "whole"
    began, process = time.monotonic(), zoo(whole, MANY)
    wait_for_a_line(process, whole)
    start_takes = time.monotonic() - began
    assert ends_by(process) == 0
    for turn in range(15):
        if turn % 5 > 1:
            process = zoo(run, MANY, ("any", "", rng.randint(1, 60)))
        else:
            process = zoo(run, MANY)
            if turn % 5:
                wait_for_a_line(process, run)
                time.sleep(rng.uniform(0, 0.3))
            else:
                wait_for_a_line(process, run, rng.uniform(0, start_takes))
            process.kill()
        deaths.append(ends_by(process))
    assert set(deaths) == {signal.SIGKILL, signal.SIGXFSZ}
    assert ends_by(zoo(run, MANY)) == 0
    assert_same(run, whole)


def wait_for_a_line(process: subprocess.Popen, run: Path, seconds: float = math.inf) -> None:
    """Until it trains, has ended, or so many seconds are over."""
    lines, end = run / "metrics.jsonl", time.monotonic() + seconds
    before = lines.stat().st_mtime_ns if lines.exists() else 0
    while process.poll() is None and (not lines.exists() or lines.stat().st_mtime_ns == before):
        if time.monotonic() > end:
            break
        time.sleep(0.01)


def description(backend: str) -> RunDescription:
    return RunDescription(
        model="vae",
        distribution="zoo-vae",
        version="0.1.0",
        data=load_dataset("digits@8").spec,
        data_dir=None,
        seed=0,
        parameters=1,
        environment={"backend": backend},
        command="",
        created="",
    )


def test_a_run_that_stopped_early_says_why_it_does_not_go_on(tmp_path: Path):
    options = "[model]\n\n[training]\nselect_every = 2\npatience = 2\n"
    run = created(tmp_path / "run", description(keras.backend.backend()), options)
    scores = [json.dumps({"step": step, "select/fd": score}) for step, score in ((2, 5.0), (4, 6.0), (6, 7.0))]
    (run.path / "metrics.jsonl").write_text("\n".join(scores) + "\n")
    checkpoint.path_of(run, 6).parent.mkdir(exist_ok=True)
    checkpoint.path_of(run, 6).touch()
    with pytest.raises(UsageError, match="stopped early: its score had not become better 2 times") as caught:
        session.resume(run.path, steps=10_000)
    assert "-t patience=N" in caught.value.hint


def test_a_run_of_another_backend_is_not_gone_on_with(tmp_path: Path):
    run = created(tmp_path / "run", description("another"), "[model]\n\n[training]\n")
    with pytest.raises(UsageError, match=r"trained on the backend another, and Keras runs on") as caught:
        session.resume(run.path)
    assert caught.value.hint == f"Go on where it began: zoo train --resume {run.path} --backend another"
    assert checkpoint.steps_of(run) == []
