"""Training speed: the zoo's engine against hand-written PyTorch and against plain Keras, on the same machine.

    python benchmarks/training/run.py --peer-python BENCH_PYTHON [--device gpu] [--cases dcgan-28 vae-28] [--rounds 5]

The Python that runs this has the zoo; the backends torch and tensorflow take part where it has them. `BENCH_PYTHON` is
that of an environment with `benchmarks/requirements.txt`. Each implementation of a case (`cases.py`) runs in a process
of its own, and they take turns, so that all see the same machine. Before that their losses must agree: from the same
weights, on the same batches and noise, at the first step and, more loosely since float32's rounding grows under Adam,
over 20 steps; with `--float64` also to 1e-6 in float64, over 5.

Writes `benchmarks/results/training/DEVICE.json`, where cases that are not run anew stay as they are, and with it the
table in `benchmarks/README.md`; a file made elsewhere (`--results`) comes into the table by `table.py`.
"""

import argparse
import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
import table
from cases import AGREEMENT_STEPS, CASES, Case

HERE = Path(__file__).parent
REFERENCE = "torch"
FIRST, LATER, WIDE = 1e-4, 0.2, 1e-6  # limits of relative differences: float32's first step, 20 steps, float64
WIDE_STEPS = 5
WARM_UP = 3  # steps that are not timed: of the first ones of all, one compiles


class Worker:
    """A process of `worker.py`."""

    def __init__(self, name: str, case: Case, device: str, weights: Path, python: str) -> None:
        command = [python, str(HERE / "worker.py"), name, case.name, device, str(weights)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._requests, self._answers = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        self._name = f"{name}, {case.name}"

    def ask(self, *command: Any) -> Any:
        self._requests.write(json.dumps(command) + "\n")
        self._requests.flush()
        answer = self._answers.readline()
        if not answer:
            raise RuntimeError(f"{self._name}: no answer to {command}; its error stands above")
        return json.loads(answer)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def implementations(device: str) -> list[str]:
    backends = ["jax", *(name for name in ("torch", "tensorflow") if find_spec(name))]
    if device == "gpu":
        torch = ["torch", "torch-compile", "torch-reduce-overhead", "torch-graph"]
        return [*torch, "keras", *(f"zoo-{name}" for name in backends if name != "tensorflow")]
    torch = ["torch", "torch-kept", "torch-compile", "torch-compile-kept"]
    return [*torch, "keras", "keras-kept", "zoo-jax", *(f"zoo-{name}-kept" for name in backends)]


class Benchmark:
    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self._arguments, self._folder = arguments, folder

    def worker(self, name: str, case: Case) -> Worker:
        python = self._arguments.peer_python if name.startswith("torch") else sys.executable
        return Worker(name, case, self._arguments.device, self._folder / f"{case.name}.npz", python)

    def disagreement(self, names: list[str], case: Case, precision: str, steps: int) -> dict[str, list[float]]:
        """The largest relative difference to eager PyTorch's losses, at the first step and at any, by implementation.

        Differences of a loss are relative to its largest value, since a Wasserstein loss passes through 0.
        """
        found, reference = {}, np.zeros(())
        for name in dict.fromkeys([REFERENCE, *(name.removesuffix("-kept") for name in names)]):
            with self.worker(name, case) as worker:
                losses = np.array(worker.ask("losses", precision, steps))
            reference = losses if name == REFERENCE else reference
            differences = np.abs(losses - reference) / np.abs(reference).max(axis=0)
            found[name] = [float(differences[0].max()), float(differences.max())]
            print(f"{case.name}, {precision}, {name}: losses differ by {found[name][0]:.1e}, {found[name][1]:.1e}")
        return found

    def check(self, names: list[str], case: Case) -> dict[str, list[float]]:
        """How far the losses of a case differ.

        Raises:
            RuntimeError: further than rounding can explain.
        """
        narrow = self.disagreement(names, case, "float32", AGREEMENT_STEPS)
        wide = self.disagreement(names, case, "float64", WIDE_STEPS) if self._arguments.float64 else {}
        too_far = [name for name, (first, later) in narrow.items() if not (first <= FIRST and later <= LATER)]
        too_far += [f"{name} in float64" for name, (_, later) in wide.items() if not later <= WIDE]
        if too_far:
            raise RuntimeError(f"{case.name}: the losses of {', '.join(too_far)} are not {REFERENCE}'s")
        return narrow

    def measure(self, case: Case) -> dict[str, Any]:
        """What the table shows of a case; nothing where the losses are only to be checked."""
        names = self._arguments.implementations or implementations(self._arguments.device)
        with self.worker("zoo-jax", case) as worker:
            worker.ask("write-weights")
        differences = self.check(names, case)
        if self._arguments.check:
            return {}
        with self.worker(REFERENCE, case) as worker:
            operations = worker.ask("operations")
        measured: dict[str, dict[str, Any]] = {name: {"milliseconds": []} for name in names}
        with ExitStack() as stack:
            workers = {name: stack.enter_context(self.worker(name, case)) for name in names}
            steps = {}
            for name, worker in workers.items():
                worker.ask("run", WARM_UP)
                done, seconds = worker.ask("run", WARM_UP)
                steps[name] = max(1, round(self._arguments.seconds * done / seconds))
            for _ in range(self._arguments.rounds):
                for name, worker in workers.items():
                    worker.ask("run", WARM_UP)  # while it waited for its turn the system may have taken its memory away
                    done, seconds = worker.ask("run", steps[name])
                    measured[name]["milliseconds"].append(round(1000 * seconds / done, 4))
            for name, worker in workers.items():
                measured[name] |= {
                    "peak_mib": round(worker.ask("peak_mib")),
                    "losses_differ": differences[name.removesuffix("-kept")],
                    "versions": worker.ask("versions"),
                }
        with self.worker("zoo-jax", case) as worker:
            ceiling = worker.ask("matrix_product", case.precision)
        return {
            "images": case.images_per_step,
            "operations": operations,
            "matrix_product": round(ceiling),
            "precision": case.precision,
            "implementations": measured,
            **environment(self._arguments),
        }


def environment(arguments: argparse.Namespace) -> dict[str, str]:
    paths = {arguments.peer_python: "BENCH_PYTHON", str(arguments.results): "FOLDER"}  # this machine's alone
    return {
        "machine": machine(arguments.device),
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
        "command": shlex.join(
            ["python", "benchmarks/training/run.py", *(paths.get(word, word) for word in sys.argv[1:])]
        ),
    }


def machine(device: str) -> str:
    if device == "gpu":
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].partition(":")[2].strip() if names else platform.processor()
    return f"{len(os.sched_getaffinity(0))} cores of {model}"


@cache
def commit() -> str:
    """As it was before the first case was written down."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--match="]
    return subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()


def engine_costs(device: str) -> dict[str, str]:
    command = [sys.executable, str(HERE / "engine_costs.py"), device]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer-python", default=sys.executable, help="of the environment that has torch")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--cases", nargs="+", choices=CASES, help="by default all that suit the device")
    parser.add_argument("--implementations", nargs="+", help="by default all that can run here")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of one implementation's turn in a round")
    parser.add_argument("--float64", action="store_true", help="check the losses in float64 too, which takes minutes")
    parser.add_argument("--no-engine", dest="engine", action="store_false", help="leave out the engine's own costs")
    parser.add_argument("--check", action="store_true", help="only that the losses agree")
    parser.add_argument("--results", type=Path, default=table.RESULTS, help="the folder to write to")
    arguments = parser.parse_args()
    chosen = arguments.cases or [case.name for case in CASES.values() if case.device in ("any", arguments.device)]
    path = arguments.results / f"{arguments.device}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {"cases": {}, "engine": {}}
    with tempfile.TemporaryDirectory() as folder:
        benchmark = Benchmark(arguments, Path(folder))
        for name in chosen:
            found = benchmark.measure(CASES[name])
            if found:
                results["cases"][name] = found
                path.write_text(json.dumps(results, indent=2) + "\n")
    if arguments.engine and not arguments.check:
        results["engine"] = engine_costs(arguments.device)
        path.write_text(json.dumps(results, indent=2) + "\n")
    if not arguments.check:
        print(table.section(arguments.results))
        if arguments.results == table.RESULTS:
            table.publish()


if __name__ == "__main__":
    main()
