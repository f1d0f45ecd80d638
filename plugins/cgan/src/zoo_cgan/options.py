from pydantic import Field

from zoo_core import Options


class CGANOptions(Options):
    latent: int = Field(100, ge=1, description="dimensions of z, at least 1")
    embedding: int = Field(50, ge=1, description="dimensions of the label's embedding, at least 1")
    width: int = Field(64, ge=1, le=1024, description="channels next to the image, in [1, 1024]; each halving doubles")
    learning_rate: float = Field(2e-4, gt=0, description="of both Adam optimizers, above 0")
    beta1: float = Field(0.5, ge=0, lt=1, description="first-moment decay of Adam, in [0, 1)")
