"""Automatic labels: clusters and pseudo-labels, downstream of features and data. Empty as yet."""
