"""Data sets: built-in ones, image folders, HDF5 files, and feeding them to the engine."""

from zoo_core.data.dataset import SPLITS, Dataset, Split
from zoo_core.data.feeding import Feeder
from zoo_core.data.hdf5 import Prepared, read_h5
from zoo_core.data.sources import load_dataset, resize
from zoo_core.data.writing import write_h5

__all__ = [
    "SPLITS",
    "Dataset",
    "Feeder",
    "Prepared",
    "Split",
    "load_dataset",
    "read_h5",
    "resize",
    "write_h5",
]
