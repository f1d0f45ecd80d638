"""The records that plugins and data sets are described by: frozen, and free of Keras."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from zoo_core.keras_backend import BACKENDS

API_VERSION = 1
"""The version of the plugin contract that this core speaks; docs/contract.md says what it promises. A record that names
none was written for version 1, and its default stays 1 whatever this becomes."""

OLDEST_API_VERSION = 1
"""The oldest version whose plugins still work. Those between it and `API_VERSION` are told to be upgraded."""

TASKS = {
    "generate": ("sample",),
    "reconstruct": ("encode", "decode"),
    "likelihood": ("likelihood", "log_likelihood"),
    "translate": ("transform",),
    "inpaint": ("inpaint",),
}
"""What a model can do, and what its class must then have (see `zoo_core.models.tasks`)."""

AUTO = "auto"
"""Asks for the feature network that suits the data set best; no plugin's can have this name."""

ALL = "all"
"""Asks for every metric that applies; none can have this name."""


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What a plugin tells about a model without importing it.

    Args:
        name: what people type: lower-case letters, digits, `-` and `_`.
        summary: one line, with the paper.
        target: "package.module:Class" of the `GenerativeModel`.
        options: "package.module:Class" of its `Options`.
        tasks: keys of `TASKS`.
        labels: "required" where the model is conditional, "ignored" where it never looks at them.
        backends: of Keras, those that it runs on; None where it runs on each.
        api_version: the contract the plugin was written for; 1 where none is named, whatever the newest is.

    Raises:
        ValueError: for a field that breaks one of these rules.
    """

    kind: ClassVar[str] = "model"

    name: str
    summary: str
    target: str
    options: str
    tasks: Collection[str]
    labels: Literal["ignored", "required"] = "ignored"
    backends: Collection[str] | None = None
    api_version: int = 1

    def __post_init__(self) -> None:
        _check_name("a model's", self.name)
        for field in ("target", "options"):
            _check_reference(f"{self.name}: {field}", getattr(self, field), "Class")
        wrong = set(self.tasks) - set(TASKS)
        if wrong or not self.tasks:
            raise ValueError(f"{self.name}: tasks must be some of {sorted(TASKS)}, received {sorted(self.tasks)}")
        if self.labels not in ("ignored", "required"):
            raise ValueError(f"{self.name}: labels must be 'ignored' or 'required', received {self.labels!r}")
        object.__setattr__(self, "tasks", frozenset(self.tasks))
        if self.backends is not None:
            if not self.backends or not set(self.backends) <= set(BACKENDS):
                raise ValueError(f"{self.name}: backends must be some of {BACKENDS}, received {self.backends!r}")
            object.__setattr__(self, "backends", frozenset(self.backends))

    @property
    def conditional(self) -> bool:
        return self.labels == "required"

    @property
    def generates(self) -> bool:
        return "generate" in self.tasks

    @property
    def reconstructs(self) -> bool:
        return "reconstruct" in self.tasks

    @property
    def translates(self) -> bool:
        return "translate" in self.tasks

    @property
    def inpaints(self) -> bool:
        """Whether the model itself completes images."""
        return "inpaint" in self.tasks

    @property
    def runs_on(self) -> frozenset[str]:
        """The backends of Keras that it runs on."""
        return frozenset(BACKENDS if self.backends is None else self.backends)

    @property
    def references(self) -> tuple[str, ...]:
        return self.target, self.options


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """What a plugin tells about a feature network without importing it.

    Args:
        name: what people type after `--features`: lower-case letters, digits, `-` and `_`; not "auto".
        summary: one line, with the paper.
        target: "package.module:function" of what opens it: called with the `DataSpec` of the images and the path of a
            weights file, or None, it returns a `zoo_core.features.FeatureNetwork`.
        api_version: as of a `ModelSpec`.

    Raises:
        ValueError: for a field that breaks one of these rules.
    """

    kind: ClassVar[str] = "feature network"

    name: str
    summary: str
    target: str
    api_version: int = 1

    def __post_init__(self) -> None:
        _check_name("a feature network's", self.name)
        if self.name == AUTO:
            raise ValueError(f"a feature network can't be called '{AUTO}', which stands for the one that suits best")
        _check_reference(f"{self.name}: target", self.target, "function")

    @property
    def references(self) -> tuple[str, ...]:
        return (self.target,)


@dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """What a plugin tells about a data set without loading it.

    Args:
        name: what people type after `--data`: lower-case letters, digits, `-` and `_`.
        summary: one line, with the paper.
        target: "package.module:function" of what loads it: called with this record and the folder of local copies
            that the user names, a path or None, it returns a `zoo_core.Dataset`.
        shape: (H, W, C) of an image when the name is given without a size.
        classes: the class names, in the order of the labels; empty where there are none.
        splits: the number of images of each of train, validation and test.
        origin: whom the images are had from.
        native: (H, W) in which it is loaded, where that is not the size in `shape` that it is then brought to.
        download: how the images come here where they are not at hand; "" where they come with a package.
        at_hand: "package.module:function", where there is a `download`: called as `target`, it returns where the images
            would be loaded from, a path, or None where they would have to be fetched.
        megabytes: of the download, 10^6 bytes; None where whoever offers it does not say.
        files: what is looked for in the folder of local copies, any one of these lines.
        api_version: as of a `ModelSpec`.

    Raises:
        ValueError: for a field that breaks one of these rules.
    """

    kind: ClassVar[str] = "data set"

    name: str
    summary: str
    target: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    splits: Mapping[str, int]
    origin: str
    native: tuple[int, int] | None = None
    download: str = ""
    at_hand: str = ""
    megabytes: int | None = None
    files: tuple[str, ...] = ()
    api_version: int = 1

    def __post_init__(self) -> None:
        _check_name("a data set's", self.name)
        if set(self.splits) != {"train", "validation", "test"} or min(self.splits.values()) < 1:
            raise ValueError(f"{self.name}: splits must be train, validation and test, received {dict(self.splits)}")
        if len(self.shape) != 3 or min(self.shape) < 1 or self.shape[2] not in (1, 3):
            raise ValueError(f"{self.name}: shape must be (H, W, C) with C 1 or 3, received {self.shape}")
        if bool(self.download) != bool(self.at_hand):
            raise ValueError(f"{self.name}: download and at_hand go together, for a set that may have to be fetched")
        for field in ("target", "at_hand") if self.at_hand else ("target",):
            _check_reference(f"{self.name}: {field}", getattr(self, field), "function")

    @property
    def references(self) -> tuple[str, ...]:
        return (self.target, self.at_hand) if self.at_hand else (self.target,)


@dataclass(frozen=True, kw_only=True)
class MetricSpec:
    """What a plugin tells about a metric without importing it.

    Args:
        name: what people type after `--metrics`: lower-case letters, digits, `-` and `_`; not "all".
        summary: one line, with the paper.
        target: "package.module:Class" of the `zoo_core.evaluation.metric.Metric`, which takes no arguments.
        api_version: as of a `ModelSpec`.

    Raises:
        ValueError: for a field that breaks one of these rules.
    """

    kind: ClassVar[str] = "metric"

    name: str
    summary: str
    target: str
    api_version: int = 1

    def __post_init__(self) -> None:
        _check_name("a metric's", self.name)
        if self.name == ALL:
            raise ValueError(f"a metric can't be called '{ALL}', which stands for every one")
        _check_reference(f"{self.name}: target", self.target, "Class")

    @property
    def references(self) -> tuple[str, ...]:
        return (self.target,)


class Field(NamedTuple):
    """One array of a batch: its shape without the batch axis, and its dtype as the model sees it."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """What a model and a result record need to know of a data set.

    Args:
        name: the source as it is typed on the command line, such as `digits` or `folder:photos@64`.
        fields: `images` (H, W, C) float32 in [-1, 1]; where the set has them `inputs` (H', W', C'), likewise, which the
            images are to be made from, and `labels` () int32.
        classes: the class names, in the order of the labels; empty where there are none.
        splits: the number of images of each of train, validation and test.
        content_hash: SHA-256 over every image, label, input and split, whatever the order of the images.
        means, deviations: of each channel of the train images, in units of [-1, 1]; None where they are not known, as
            in records that are older than them.
        plugin: the package and version that brought it, such as "zoo-shapes 0.1.0"; None where none but zoo-core did.
    """

    name: str
    fields: Mapping[str, Field]
    classes: tuple[str, ...]
    splits: Mapping[str, int]
    content_hash: str
    means: tuple[float, ...] | None = None
    deviations: tuple[float, ...] | None = None
    plugin: str | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        height, width, channels = self.fields["images"].shape
        return height, width, channels

    @property
    def labelled(self) -> bool:
        return "labels" in self.fields


def _check_name(whose: str, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise ValueError(f"{whose} name must match [a-z][a-z0-9_-]*, received {name!r}")


def _check_reference(what: str, reference: str, kind: str) -> None:
    if not re.fullmatch(r"\w+(\.\w+)*:\w+", reference):
        raise ValueError(f"{what} must read 'module:{kind}', received {reference!r}")
