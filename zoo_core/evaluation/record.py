"""The result record: what was measured, on what, and everything that could move the number (schema 1).

Documented key by key in `docs/records.md`.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    # JSON has no NaN and no infinity: as strings they are valid JSON and come back as floats
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")


class Score(_Frozen):
    """What one metric measured.

    Attributes:
        label: for people, such as "FD (classifier)".
        better: which direction is better.
        n_generated, n_reference: the numbers of images on each side; for paired metrics both are the pairs, and
            `n_reference` is 0 where nothing is compared with.
        floor: for distances, the same distance between real images and the reference, with `n_floor` real images:
            what a perfect model would be expected to score.
    """

    value: float
    label: str
    better: Literal["lower", "higher"]
    n_generated: int
    n_reference: int
    floor: float | None = None
    n_floor: int | None = None


class Features(_Frozen):
    """The feature network: its name, such as "classifier:digits", and the SHA-256 of its weights where it has any."""

    name: str
    weights_sha256: str | None


class DataRecord(_Frozen):
    """The data set: as named, the hash of its content, the image shape (H, W, C), and the reference split."""

    name: str
    content_hash: str
    shape: tuple[int, int, int]
    reference: str


class Cost(_Frozen):
    """What training took. `seconds` is the time spent in training steps, `wall_seconds` includes everything else."""

    steps: int
    batch_size: int
    images_seen: int
    seconds: float
    wall_seconds: float
    parameters: int
    peak_memory_mib: float


class Source(_Frozen):
    """The run that was evaluated.

    Attributes:
        trained_on: the data set's name and content hash, which may be another than the one it is scored against.
        checkpoint: the step of the checkpoint, whose averaged networks are evaluated.
        environment: backend, device, precision, python and package versions, git hash if any.
    """

    run: str
    model: str
    distribution: str
    version: str
    trained_on: dict[str, str]
    options: dict[str, Any]
    training: dict[str, Any]
    seed: int
    checkpoint: int
    cost: Cost
    environment: dict[str, Any]


class Record(_Frozen):
    """One evaluation: of a run (`source`), or of images from elsewhere (`source` None, `evaluated` names them).

    Attributes:
        sampling_seed: of the noise behind the generated images; None for images from elsewhere.
    """

    schema_version: Literal[1] = 1
    evaluated: str
    source: Source | None
    data: DataRecord
    features: Features
    sampling_seed: int | None
    metrics: dict[str, Score]
    created: str
