"""Features, statistics, metrics, and the result record."""
