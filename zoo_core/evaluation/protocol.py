"""Protocols: versioned files that fix everything that could move a number, so that numbers may be compared."""

import hashlib
import importlib.resources
import json
import re
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from zoo_core.data import SPLITS
from zoo_core.errors import UsageError, unknown
from zoo_core.options import Options, read_toml, resolve
from zoo_core.registry import registry
from zoo_core.training.options import BUDGETS, TrainingOptions
from zoo_core.training.selection import Rule

if TYPE_CHECKING:
    from zoo_core.features import FeatureNetwork  # which imports Keras

Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Splits = Annotated[str, Field(pattern=rf"^({'|'.join(SPLITS)})(\+({'|'.join(SPLITS)}))*$")]

AS_USUAL = ("precision", "schedule", "warmup", "clip_norm", "accumulate", "augment", "ema", "patience")
"""`TrainingOptions` that move results and that no protocol names: under each of them they have their defaults."""

WHAT_CHOOSES = ("select_features", "select_weights")
"""Likewise where the best checkpoint is scored."""


class Identified(typing.Protocol):
    """What a protocol checks of a data set; a `DataSpec` has it, and so has a record."""

    @property
    def name(self) -> str: ...

    @property
    def content_hash(self) -> str: ...


class DataRule(Options):
    """Which images.

    Attributes:
        source: the data set as it is typed, without `#SPLITS`.
        content_hash: of the data set as it is fitted (`fitted`); None where the protocol leaves it open.
        fit, select, reference: splits, joined by `+`: what models are trained on, what a checkpoint may be chosen by,
            and what scores are measured against.
        real: the number of reference images.
    """

    source: str
    content_hash: Hash | None = None
    fit: Splits
    select: Splits
    reference: Splits
    real: int = Field(ge=2)

    @property
    def fitted(self) -> str:
        """The data source to train on."""
        return self.source if self.fit == "train" else f"{self.source}#{self.fit}"

    @property
    def compared(self) -> str:
        """The images to compare with, as `open_images` reads it."""
        return f"{self.source}#{self.reference}"


class TrainingRule(Options):
    """How models are trained: with one budget, in batches of so many images, once from each seed.

    Attributes:
        steps, images, seconds: the budget, as in `TrainingOptions`; two of them are None.
        checkpoint: which one is scored: the "final" one after the last step, or the "best" on the select images.
        select_every: steps between looks for the best one; None for "final".
    """

    steps: int | None = Field(None, ge=1)
    images: int | None = Field(None, ge=1)
    seconds: float | None = Field(None, gt=0)
    batch_size: int = Field(ge=1)
    seeds: tuple[int, ...] = Field(min_length=1)
    checkpoint: Rule
    select_every: int | None = Field(None, ge=1)

    @property
    def options(self) -> dict[str, Any]:
        """The `TrainingOptions` that the rule fixes, as JSON has them."""
        names = (*BUDGETS, "batch_size", "select_every")
        own = {name: value for name in names if (value := getattr(self, name)) is not None}
        as_usual = {*AS_USUAL, *(WHAT_CHOOSES if self.checkpoint == "best" else ())}
        return own | TrainingOptions.model_validate({}).model_dump(mode="json", include=as_usual)

    def fixed(self, names: Iterable[str]) -> dict[str, bool]:
        """Those of these `TrainingOptions` that the rule leaves no choice of, for `refuse_beside`: its own, and budgets
        of any kind. The others, such as `log_every`, move no scored weights."""
        return {name: True for name in names if name in BUDGETS or name in self.options}

    @model_validator(mode="after")
    def _has_one_budget(self) -> "TrainingRule":
        budget = {name: value for name in BUDGETS if (value := getattr(self, name)) is not None}
        if len(budget) != 1:
            raise ValueError(f"a training ends by one of steps, images and seconds, received {budget or 'none'}")
        return self

    @model_validator(mode="after")
    def _looks_for_the_best(self) -> "TrainingRule":
        if (self.checkpoint == "best") != (self.select_every is not None):
            raise ValueError(
                f"select_every goes with checkpoint 'best', and with no other, received {self.select_every} with "
                f"'{self.checkpoint}'"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_not_set(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A protocol without `select_every` keeps the hash that it had before there was such a field."""
        return {name: value for name, value in serialize(self).items() if value is not None}


class FeatureRule(Options):
    """The feature network and the SHA-256 of its weights; None for one without weights."""

    name: str
    weights_sha256: Hash | None = None

    @property
    def network(self) -> str:
        """What `load_features` is asked for: "classifier" for "classifier:digits" and "classifier@1a2b3c4d"."""
        return re.split("[:@]", self.name)[0]


class ScoringRule(Options):
    """How many images are generated, from which seed, and what is measured in them, by the names of metrics."""

    generated: int = Field(ge=2)
    seed: int = Field(ge=0)
    metrics: tuple[str, ...] = Field(min_length=1)


class Protocol(Options):
    """Everything that could move a number. Two protocols with any difference are different protocols."""

    name: str = Field(pattern="^[a-z0-9][a-z0-9-]*$", description="small letters, digits and dashes")
    version: int = Field(ge=1, description="goes up with every change that could move a number")
    summary: str = Field(description="one line, with the source where the literature has the protocol")
    data: DataRule = Field(description="source, content_hash, fit, select, reference, real")
    training: TrainingRule = Field(description="steps, images or seconds; batch_size, seeds, checkpoint, select_every")
    features: FeatureRule = Field(description="name, weights_sha256")
    scoring: ScoringRule = Field(description="generated, seed, metrics")

    @model_validator(mode="after")
    def _chooses_by_held_out_images(self) -> "Protocol":
        if self.training.checkpoint == "best" and (self.data.select != "validation" or "validation" in self.data.fit):
            raise ValueError(
                "the best checkpoint is chosen by the validation split, so select must be that, and fit without it; "
                f"received select '{self.data.select}' and fit '{self.data.fit}'"
            )
        return self

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def sha256(self) -> str:
        """Of all fields, whatever the file looks like."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    def check_network(self, network: "FeatureNetwork") -> None:
        """Raises UsageError for features other than the protocol's."""
        wanted = self.features
        if network.weights_sha256 != wanted.weights_sha256 or network.name != wanted.name:
            raise UsageError(
                f"The protocol {self} demands the features '{wanted.name}'{_weights(wanted.weights_sha256)}, "
                f"received '{network.name}'{_weights(network.weights_sha256)}.",
                "Take the weights that it names, or score without --protocol.",
            )

    def check_data(self, data: Identified) -> None:
        """Raises UsageError for another data set to train on than the protocol's."""
        if self.data.content_hash not in (None, data.content_hash):
            raise UsageError(
                f"The protocol {self} demands the data set '{self.data.fitted}' with the content hash "
                f"{self.data.content_hash}, received '{data.name}' with {data.content_hash}.",
                "Use the original images; where they were changed on purpose, write a protocol of your own.",
            )

    def check_training(
        self, data: Identified, training: dict[str, Any], seed: int, checkpoint: int, seconds: float = 0.0
    ) -> None:
        """Whether a run was made by the rules.

        Args:
            data: what it was trained on.
            training: the `TrainingOptions` by name, all of them, as JSON has them.
            checkpoint: the step of its last checkpoint.
            seconds: of its training steps.

        Raises:
            UsageError: names everything that differs.
        """
        self.check_data(data)
        rule = self.training
        compared: dict[str, tuple[object, object]] = {
            "data": (self.data.fitted, data.name),
            **{name: (value, training.get(name)) for name, value in rule.options.items()},
        }
        if rule.seconds is None:
            compared["checkpoint"] = (training.get("steps") if rule.images else rule.steps, checkpoint)
        elif seconds < rule.seconds:
            compared["seconds trained"] = (rule.seconds, seconds)
        wrong = [f"{key} should be {want}, received {got}" for key, (want, got) in compared.items() if want != got]
        if seed not in rule.seeds:
            wrong.append(f"seed should be one of {', '.join(map(str, rule.seeds))}, received {seed}")
        if wrong:
            raise UsageError(
                f"The run does not follow the protocol {self}: {'; '.join(wrong)}.",
                "Train it with --protocol, or score it without.",
            )

    def check_count(self, what: str, expected: int, received: int) -> None:
        """Raises UsageError for another number of images."""
        if received != expected:
            raise UsageError(f"The protocol {self} demands {expected:,} {what} images, received {received:,}.")


def refuse_beside(protocol: Protocol, **given: Any) -> None:
    """Raises UsageError where something that the protocol fixes was given too.

    Args:
        given: by name; what is None, empty, 0 or False was not given.
    """
    if names := [name for name, value in given.items() if value]:
        raise UsageError(
            f"The protocol {protocol} fixes {', '.join(names)}.",
            "Leave that out, or copy the protocol and change it (zoo protocols show).",
        )


def differences(one: Protocol | None, other: Protocol | None) -> list[str]:
    """What differs between two protocols, such as "protocol.training.steps: 2000, 4000"; nothing where they are
    equal."""
    if one == other:
        return []
    if one is None or other is None:
        return [f"protocol: {one or 'none'}, {other or 'none'}"]
    fields, others = (_flat(p.model_dump(mode="json")) for p in (one, other))
    pairs = {key: (fields.get(key, "none"), others.get(key, "none")) for key in {**fields, **others}}
    return [f"protocol.{key}: {value}, {another}" for key, (value, another) in pairs.items() if value != another]


def protocol_names() -> list[str]:
    """Those that come with the package."""
    return sorted(file.name.removesuffix(".toml") for file in _files().iterdir() if file.name.endswith(".toml"))


def load_protocol(name: str) -> Protocol:
    """A protocol of the package, by its name, or one of your own, by the path of its TOML file.

    Raises:
        UsageError: for an unknown name, a file that is missing or breaks the schema, or one with a feature network or
            metric that is not installed, which would otherwise be told only after the models are trained.
    """
    if name in protocol_names():
        with importlib.resources.as_file(_files() / f"{name}.toml") as path:
            return resolve(Protocol, read_toml(path), f"protocol '{name}'")
    if Path(name).suffix != ".toml" and not Path(name).is_file():
        raise unknown("protocol", name, protocol_names(), "zoo protocols list tells which; FILE.toml is one of yours.")
    protocol = resolve(Protocol, read_toml(Path(name)), f"protocol '{name}'")
    registry().feature_network(protocol.features.network)
    for metric in protocol.scoring.metrics:
        registry().metric(metric)
    return protocol


def _files() -> Any:
    return importlib.resources.files("zoo_core.evaluation") / "protocols"


def _weights(sha256: str | None) -> str:
    return f" with weights of SHA-256 {sha256}" if sha256 else " without weights"


def _flat(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
