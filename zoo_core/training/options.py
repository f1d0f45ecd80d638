"""How long and how a model is trained: what belongs to the engine, not to the model."""

from pydantic import Field

from zoo_core.options import Options


class TrainingOptions(Options):
    """The table [training] of a run's options."""

    steps: int = Field(2000, ge=1, description="training steps, at least 1")
    batch_size: int = Field(64, ge=1, le=65536, description="images in each update, at least 1")
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights, in [0, 1); 0 turns averaging off")
    log_every: int = Field(50, ge=1, description="steps between lines of metrics.jsonl, at least 1")
    sample_every: int = Field(500, ge=0, description="steps between sample grids; 0 for none but the last")
    checkpoint_every: int = Field(500, ge=1, description="steps between checkpoints, at least 1")
    keep: int = Field(2, ge=1, description="how many of the latest checkpoints stay, at least 1")
