"""Automatic labels for prepared files: clusters of features, or what a classifier is sure of."""

from zoo_core.labelling.clusters import cluster_labels
from zoo_core.labelling.labels import Labels, relabel
from zoo_core.labelling.pseudo_labels import pseudo_labels

__all__ = ["Labels", "cluster_labels", "pseudo_labels", "relabel"]
