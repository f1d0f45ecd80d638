"""The grid of runs: plan, execute, collect."""
