"""One implementation of one case in a process of its own; `run.py` starts it and speaks to it in lines of JSON.

    worker.py IMPLEMENTATION CASE DEVICE WEIGHTS.npz

Implementations: `torch`, `torch-compile`, `torch-reduce-overhead`, `torch-graph`; `keras`, the plain Keras way on JAX;
`zoo-jax`, `zoo-torch`, `zoo-tensorflow`. With `-kept` the process keeps the memory that it frees, as `zoo train` does.

Commands, each with its answer: `["write-weights"]`, by the zoo alone; `["losses", PRECISION, STEPS]` on given noise;
`["run", STEPS]`, the steps that it made and their seconds; `["peak_mib"]`; `["versions"]`; `["operations"]`, by eager
PyTorch alone; `["matrix_product", PRECISION]`, by zoo-jax alone.
"""

import importlib
import json
import os
import runpy
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from cases import CASES, Batch, agreement_batches, load_weights

KEEP_FREED_MEMORY = Path(__file__).parents[2] / "zoo_core" / "training" / "memory.py"  # a file without imports


class Implementation(Protocol):
    """One case, built from a `Case`, initial weights, the implementation's name and "cpu" or "gpu".

    Attributes:
        versions: of the packages that do the work.
    """

    versions: dict[str, str]

    def losses(self, batches: Iterable[Batch]) -> list[list[float]]:
        """The losses of a step on each of these, from the initial weights and with the noise that they bring."""
        ...

    def run(self, steps: int) -> tuple[int, float]:
        """About so many further steps, fed from a data set and drawing noise; how many, and the seconds they took."""
        ...

    def peak_mib(self) -> float:
        """The most memory that was held, on a GPU the device's, else the process's."""
        ...


def module_of(name: str) -> Any:
    """The implementation's module, imported under the Keras backend that it needs."""
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # others live on the same GPU
    os.environ["KERAS_BACKEND"] = name.removeprefix("zoo-") if name.startswith("zoo-") else "jax"
    family = name.partition("-")[0]
    return importlib.import_module("zoo_side" if family == "zoo" else f"peer_{family}")


def main(name: str, case_name: str, device: str, path: Path) -> None:
    replies, sys.stdout = sys.stdout, sys.stderr  # whatever a library prints is no answer
    if name.endswith("-kept"):
        runpy.run_path(str(KEEP_FREED_MEMORY))["keep_freed_memory"]()
    name, case = name.removesuffix("-kept"), CASES[case_name]
    module = module_of(name)
    running: Implementation | None = None
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        if command == "write-weights":
            reply: Any = module.write_initial_weights(case, path)
        elif command in ("losses", "operations"):  # from the initial weights
            precise = replace(case, precision=arguments[0]) if arguments else case
            fresh = module.Implementation(precise, load_weights(path), name, device)
            batches = agreement_batches(case)
            reply = fresh.losses(batches[: arguments[1]]) if arguments else fresh.operations(batches[0])
        else:
            running = running or module.Implementation(case, load_weights(path), name, device)
            found = getattr(running, command)
            reply = found(*arguments) if callable(found) else found
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4], Path(sys.argv[4]))
