"""What one backend makes of every plugin, run by test_agreement.py:

    KERAS_BACKEND=… python agreement.py FOLDER [CASE…]

FOLDER holds the initial weights, `<case>.npz`; where a case has none yet, those of this process are put there. Written
are `<backend>.json`, the losses of each step of each case but those that are named, and a run with images that were
sampled from it.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

import zoo_core
from zoo_core.data import Dataset, Feeder, Split
from zoo_core.data.degradation import Degradation
from zoo_core.sampling.sampler import Sampler
from zoo_core.testing.tiny import smallest_options
from zoo_core.training.backends import backend
from zoo_core.training.build import build
from zoo_core.training.engine import Engine
from zoo_core.training.options import TrainingOptions
from zoo_core.training.precision import computing_in

SAMPLED, SMALL = "dcgan", {"width": 2, "latent": 4}


class Case(NamedTuple):
    model: str
    precision: str
    steps: int
    training: Mapping[str, Any] = MappingProxyType({})

    @property
    def name(self) -> str:
        return "-".join([self.model, self.precision, *self.training])


ALL_AT_ONCE = {
    "accumulate": 2,
    "augment": ("color", "translation", "cutout"),
    "clip_norm": 1.0,
    "schedule": "cosine",
    "warmup": 5,
}
"""Options that change the arithmetic of a step."""


def cases() -> list[Case]:
    models = sorted(zoo_core.registry().models)
    found = [Case(m, precision, steps) for m in models for precision, steps in (("float64", 20), ("float32", 1))]
    return [*found, Case("cgan", "float64", 20, ALL_AT_ONCE)]


def random_data() -> Dataset:
    """Images of two unlike sides and three channels, of three classes."""
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        return Split(rng.integers(0, 256, (count, 20, 16, 3), "uint8"), rng.integers(0, 3, count, dtype="int32"))

    return Dataset("random", {"train": split(24), "validation": split(2), "test": split(4)}, ("a", "b", "c"))


def losses(case: Case, weights: Path) -> list[dict[str, float]]:
    """What each step logs."""
    registered, data = zoo_core.registry().model(case.model), random_data()
    if registered.spec.translates:
        data = data.degraded(Degradation("noise", 25))
    options = TrainingOptions(precision=case.precision, batch_size=8, steps=case.steps, **case.training)
    with computing_in(case.precision):
        built = build(registered, smallest_options(registered.load()[1], {}, case.model), data.spec, seed=0)
        engine = Engine(built.model, built.networks, 0, options)
        if weights.exists():
            engine.restore(np.load(weights))
        else:
            np.savez(weights, **engine.snapshot())
        feeder = Feeder(data, "train", 8 * engine.batches_per_step, 0)
        rows = [engine.step(step, feeder.batch(step)) for step in range(case.steps)]
        return [{name: float(backend().to_numpy(value)) for name, value in row.items()} for row in rows]


def main(folder: Path, *left_out: str) -> None:
    on = backend().name
    found = {case.name: losses(case, folder / f"{case.name}.npz") for case in cases() if case.name not in left_out}
    run = zoo_core.train(
        SAMPLED, random_data(), folder / on, options=SMALL, training={"steps": 3, "batch_size": 8}, device="cpu"
    )
    np.save(folder / f"{on}.npy", Sampler.load(run.path).generate(16, seed=5))
    (folder / f"{on}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
