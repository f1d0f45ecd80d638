"""Data sets: built-in ones, image folders, HDF5 files, and feeding them to the engine."""
