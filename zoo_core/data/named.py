"""Data sets that a plugin brings, the core's own among them: loading one by its name."""

from pathlib import Path
from typing import Any

from zoo_core.data.dataset import Dataset
from zoo_core.registered import RegisteredTarget, resolve
from zoo_core.registry import registry
from zoo_core.specs import DatasetSpec


def load_named(name: str, data_dir: Path | None) -> Dataset:
    """The data set of this name, in its native size.

    Args:
        data_dir: the folder of local copies that the user names.

    Raises:
        UsageError: for an unknown name, or what the set needs and is not there.
        ZooError: where the plugin's code fails, or the set is not what its record says.
    """
    registered = registry().dataset(name)
    with registered.guarded():
        dataset = registered.load()(registered.spec, data_dir)
        check(dataset, registered.spec)
    return dataset.named(name, registered.source)


def at_hand(registered: RegisteredTarget[DatasetSpec], data_dir: Path | None) -> str | None:
    """Where a data set would be loaded from: a package or a path; None where it would have to be fetched.

    Raises:
        ZooError: where the plugin's code fails.
    """
    spec = registered.spec
    if not spec.at_hand:
        return spec.origin
    with registered.guarded():
        found = resolve(spec.at_hand)(spec, data_dir)
    return None if found is None else str(found)


def check(dataset: Any, spec: DatasetSpec) -> None:
    """Raises TypeError for what is no data set, and ValueError for one of another shape or classes than its record.

    The numbers of images may differ: a folder of local copies may hold some of them only.
    """
    if not isinstance(dataset, Dataset):
        raise TypeError(f"expected a zoo_core.Dataset, received {dataset!r}")
    size, channels = spec.native or spec.shape[:2], spec.shape[2]
    if dataset.images("train").shape[1:] != (*size, channels):
        raise ValueError(f"its record says {(*size, channels)}, and its images are {dataset.images('train').shape[1:]}")
    if dataset.classes != tuple(spec.classes):
        raise ValueError(f"its record says the classes {tuple(spec.classes)}, and it has {dataset.classes}")
