"""A model on one backend: `KERAS_BACKEND=… python -m zoo_core.testing.worker MODEL OPTIONS FOLDER`.

OPTIONS are JSON. FOLDER holds `initial.npz`, the initial state; where it is missing, that of this process is put there.
The losses of the first step are written to `<backend>.json`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from zoo_core.options import resolve
from zoo_core.testing.subject import COUNT, Subject
from zoo_core.training.backends import backend
from zoo_core.training.options import TrainingOptions


def first_losses(subject: Subject, folder: Path) -> dict[str, float]:
    """The losses of one step from the state in the folder; afterwards a model that makes images has made some."""
    built = subject.build()
    engine = subject.engine(built, resolve(TrainingOptions, {}, "training"))
    initial = folder / "initial.npz"
    if not initial.exists():
        state: dict[str, Any] = engine.snapshot()
        np.savez(initial, **state)
    engine.restore(np.load(initial))
    batch = subject.batch(0, 4 * engine.batches_per_step)
    logs = {name: float(backend().to_numpy(value)) for name, value in engine.step(0, batch).items()}
    if subject.draws:
        draw = subject.drawing(built, from_inputs=not subject.spec.generates)
        draw(engine.average([batch]), np.arange(COUNT), 0, subject.asked)
    return {name: value for name, value in logs.items() if name.endswith("/loss")}


def main(model: str, options: str, folder: Path) -> None:
    losses = first_losses(Subject(model, json.loads(options)), folder)
    (folder / f"{backend().name}.json").write_text(json.dumps(losses), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
