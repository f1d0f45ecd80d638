"""Reading what a tiny run has saved."""

import h5py
import numpy as np

from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint


def read_state(run: RunFolder, step: int) -> dict[str, np.ndarray]:
    """The whole state in a run's checkpoint, by name: weights, optimizers, averages, the step."""
    arrays: dict[str, np.ndarray] = {}

    def read(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()]

    with h5py.File(checkpoint.path_of(run, step)) as file:
        file["state"].visititems(read)
    return arrays
