"""The result record: what was measured, on what, and everything that could move the number (schema 1).

Documented key by key in `docs/records.md`.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from zoo_core.evaluation.protocol import Protocol
from zoo_core.training.selection import Rule


class Frozen(BaseModel):
    """What is kept as JSON, which has no NaN and no infinity: they are strings there, and come back as floats."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Score(Frozen):
    """What one metric measured.

    Attributes:
        label: for people, such as "FD (classifier)".
        better: which direction is better.
        n_generated, n_reference: the numbers of images on each side; for paired metrics both are the pairs, and
            `n_reference` is 0 where nothing is compared with.
        standard_error, interval: of the value, from the draw of the images, which is not the spread between training
            seeds; the interval covers 95 %. None where they are not known.
        interval_method: how they were found, in a few words.
        floor: what `n_floor` other real images score by the same rule against `n_floor_reference` real ones: what a
            perfect model would be expected to, where these numbers are `n_generated` and `n_reference`.
        plugin: the package and version that brought the metric, such as "zoo-entropy 0.1.0"; None for zoo-core's own.
    """

    value: float
    label: str
    better: Literal["lower", "higher"]
    n_generated: int
    n_reference: int
    standard_error: float | None = None
    interval: tuple[float, float] | None = None
    interval_method: str = ""
    floor: float | None = None
    n_floor: int | None = None
    n_floor_reference: int | None = None
    plugin: str | None = None


class Features(Frozen):
    """The feature network: its name, such as "classifier:digits", the SHA-256 of its weights where it has any, what
    computed it, which moves a score by rounding only, and the package and version that brought it, None for
    zoo-core's own."""

    name: str
    weights_sha256: str | None
    runtime: str = ""
    plugin: str | None = None


class DataRecord(Frozen):
    """The reference: the images as named, the hash of their content, the shape (H, W, C) in which they were
    compared, which is that of gray images in colour beside colour ones, which splits of a data set they are, joined
    by "+", or "all" for images that are no data set, and the package and version that brought them, None where none
    but zoo-core did."""

    name: str
    content_hash: str
    shape: tuple[int, int, int]
    reference: str
    plugin: str | None = None


class Cost(Frozen):
    """What training took. `seconds` is the time spent in training steps, `wall_seconds` includes everything else."""

    steps: int
    batch_size: int
    images_seen: int
    seconds: float
    wall_seconds: float
    parameters: int
    peak_memory_mib: float


class TrainedOn(Frozen):
    """A data set, and the package and version that brought it, None where that was zoo-core."""

    name: str
    content_hash: str
    plugin: str | None = None


class Source(Frozen):
    """The run that was evaluated.

    Attributes:
        trained_on: its data set, which may be another than the one it is scored against.
        checkpoint: the step of the checkpoint, whose averaged networks are evaluated.
        checkpoint_rule: which one that is: the "final" one, or the "best" by its score on held-out images.
        environment: backend, device, precision, python and package versions, git hash if any.
    """

    run: str
    model: str
    distribution: str
    version: str
    trained_on: TrainedOn
    options: dict[str, Any]
    training: dict[str, Any]
    seed: int
    checkpoint: int
    checkpoint_rule: Rule = "final"
    cost: Cost
    environment: dict[str, Any]


class Sampling(Frozen):
    """How a run generates, found when it was evaluated.

    Attributes:
        images_per_second: of one full batch, compiled before.
        batch: the images in it.
        runtime: what computed it, such as "keras 3.15.1, jax, cpu".
        variety: the spread of the generated images as a share of that of the reference images
            (`zoo_core.sampling.collapse.spread`); None for images that are made from others.
    """

    images_per_second: float
    batch: int
    runtime: str
    variety: float | None


class OtherCheckpoint(Frozen):
    """What the run's other checkpoint scores by the same rules: the final one where the best is the record's, and the
    best where it is the final one."""

    rule: Rule
    checkpoint: int
    metrics: dict[str, Score]


class Record(Frozen):
    """One evaluation: of a run (`source`), or of images from elsewhere (`source` None, `evaluated` names them).

    Attributes:
        scored_by: the version of zoo-core that took the scores, which may be later than the one that trained the run;
            None in records that are older than this field.
        evaluated_hash: of the images from elsewhere, in their order; None for a run.
        skipped: images that could not be read and were left out, each with the reason.
        protocol: in full; None where none was asked for.
        requested: the names of the metrics that were asked for; None for the default ones.
        sampling_seed: of the noise behind the generated images; None for images from elsewhere.
        other_checkpoint: None where the run has but one.
        sampling: None where nothing was generated, and in records from before it was measured.
    """

    schema_version: Literal[1] = 1
    scored_by: str | None = None
    evaluated: str
    evaluated_hash: str | None = None
    skipped: list[str] = []
    source: Source | None
    data: DataRecord
    features: Features
    protocol: Protocol | None = None
    requested: list[str] | None = None
    sampling_seed: int | None
    metrics: dict[str, Score]
    other_checkpoint: OtherCheckpoint | None = None
    sampling: Sampling | None = None
    created: str
