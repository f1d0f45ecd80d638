"""What the zoo's engine costs beside the compiled step, on JAX; `run.py` calls it in a process of its own.

    python benchmarks/training/engine_costs.py cpu|gpu

Prints JSON: by the name of each figure, its text.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"

import jax
from cases import CASES, IMAGES, Case
from zoo_side import Implementation, data_of

from zoo_core.data import Dataset, read_h5, write_h5
from zoo_core.training.backends.jax import JaxBackend
from zoo_core.training.memory import keep_freed_memory
from zoo_core.training.session import Surroundings, start

LOOP_STEPS = 60
TIMES_LARGER = 10  # the mapped data set than the one in memory
ROUNDS, ROUND_SECONDS = 5, 3.0
DISPATCHES = (1, 2, 4, 8, 16, 32, 64, 128)


def overhead(case: Case, device: str, folder: Path) -> float:
    """The share of a run's time, from its second step to its last, in which no compiled step runs.

    Feeding, logging and looking at signals, all that the loop does; each step is waited for, so that nothing of it can
    hide behind the next one.
    """
    spans: list[tuple[float, float]] = []

    def timed(self: JaxBackend, step: Callable, original: Callable = JaxBackend.compile_step) -> Callable:
        compiled = original(self, step)

        def run(*arguments: Any) -> Any:
            began = time.perf_counter()
            result = jax.block_until_ready(compiled(*arguments))
            spans.append((began, time.perf_counter()))
            return result

        return run

    training = {"steps": LOOP_STEPS, "log_every": 10, "sample_every": 0, "steps_per_dispatch": 1}
    with patch.object(JaxBackend, "compile_step", timed):
        start(case.model, data_of(case), folder, training=training, surroundings=Surroundings(device))
    whole = spans[-1][1] - spans[0][1]
    return 1 - sum(end - began for began, end in spans[1:]) / whole


def seconds_to_first_step(case: Case, device: str, data: Path, cache: Path, run: Path) -> float:
    """From the start of `zoo train` to its first line of metrics, which waits for the first step."""
    zoo = [
        Path(sys.executable).with_name("zoo"),
        "train",
        case.model,
        "-t",
        "log_every=1",
        "-t",
        "steps_per_dispatch=1",
    ]
    options = ["--data", f"h5:{data}", "--out", run, "--device", device]
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache)}
    began = time.perf_counter()
    process = subprocess.Popen([*zoo, *options], env=environment)
    metrics = run / "metrics.jsonl"
    while not (metrics.exists() and metrics.stat().st_size):
        if process.poll() is not None:
            raise RuntimeError("zoo train ended before its first step; its error stands above")
        time.sleep(0.005)
    seconds = time.perf_counter() - began
    process.kill()
    process.wait()
    return seconds


def feeding(case: Case, device: str, data: Dataset) -> tuple[float, float]:
    """The speed on a mapped data set, as a share of that on one in memory, on a GPU the device's; and by how many MiB
    the process's own memory grew while it was read."""
    make = partial(Implementation, case, {}, "zoo-jax", device)
    resident, mapped = make(), make(data=data, resident=False)
    steps = []
    for implementation in (resident, mapped):
        implementation.run(1)  # compiles
        done, seconds = implementation.run(3)
        steps.append(max(1, round(ROUND_SECONDS * done / seconds)))
    before, shares = anonymous_mib(), []
    for _ in range(ROUNDS):
        (one, one_seconds), (other, other_seconds) = resident.run(steps[0]), mapped.run(steps[1])
        shares.append((other / other_seconds) / (one / one_seconds))
    return median(shares), anonymous_mib() - before


def anonymous_mib() -> float:
    """What the process holds itself; pages of mapped files are the kernel's."""
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("RssAnon:") + 1]) / 2**10


def dispatches(case: Case, device: str) -> dict[int, float]:
    """Images a second by how many steps are dispatched at once."""
    implementation, speeds = Implementation(case, {}, "zoo-jax", device), {}
    for dispatch in DISPATCHES:
        implementation.run(dispatch, dispatch)  # compiles
        rounds = [implementation.run(2 * max(DISPATCHES), dispatch) for _ in range(ROUNDS)]
        speeds[dispatch] = case.images_per_step * median(done / seconds for done, seconds in rounds)
    return speeds


def main(device: str) -> None:
    keep_freed_memory()
    case, found = CASES["dcgan-32"], {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        data = folder / "data.h5"
        write_h5(data_of(case, TIMES_LARGER * IMAGES), data, {})
        for state in ("cold", "warm"):
            seconds = seconds_to_first_step(case, device, data, folder / "cache", folder / state)
            found[f"`zoo train` to its first step, {case.name}, compilation cache {state}"] = f"{seconds:.1f} s"
        for name in ("dcgan-32", "vae-32") if device == "cpu" else ():
            share = overhead(CASES[name], device, folder / name)
            found[f"time outside the compiled step, {name}"] = f"{share:.1%}"
        share, growth = feeding(case, device, read_h5(data))
        label = f"speed on a mapped data set {TIMES_LARGER} times larger than that in memory, {case.name}"
        found[label] = f"{share:.1%}, the process growing by {growth:.0f} MiB"
        for name in ("dcgan-28", "vae-28") if device == "gpu" else ():
            speeds = ", ".join(f"{k}: {speed:,.0f}" for k, speed in dispatches(CASES[name], device).items())
            found[f"images/s by steps in one dispatch, {name}"] = speeds
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
