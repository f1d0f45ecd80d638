"""A model on one backend: `KERAS_BACKEND=… python -m zoo_core.testing.worker MODEL OPTIONS FOLDER`.

OPTIONS are JSON. FOLDER holds `initial.npz`, the initial state; where it is missing, that of this process is put there.
What is seen there is written to `<backend>.npz`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from zoo_core.options import resolve
from zoo_core.testing.subject import Subject
from zoo_core.training.backends import backend
from zoo_core.training.options import TrainingOptions

IMAGES = "images"


def first_look(subject: Subject, folder: Path) -> dict[str, np.ndarray]:
    """The losses of one step from the state in the folder, by name, and the images that a model makes before it: the
    step's rounding is amplified by Adam, and would be seen in them."""
    built = subject.build()
    engine = subject.engine(built, resolve(TrainingOptions, {}, "training"))
    initial = folder / "initial.npz"
    if not initial.exists():
        state: dict[str, Any] = engine.snapshot()
        np.savez(initial, **state)
    engine.restore(np.load(initial))
    batch = subject.batch(0, 4 * engine.batches_per_step)
    images = {IMAGES: subject.made_by(built, engine.average([batch]))} if subject.draws else {}
    logs = {name: backend().to_numpy(value) for name, value in engine.step(0, batch).items()}
    return {name: value for name, value in logs.items() if name.endswith("/loss")} | images


def main(model: str, options: str, folder: Path) -> None:
    seen: dict[str, Any] = first_look(Subject(model, json.loads(options)), folder)
    np.savez(folder / f"{backend().name}.npz", **seen)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
