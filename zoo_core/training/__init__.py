"""The engine: one step, one loop, one file for each backend."""
