from pydantic import Field

from zoo_core import Options


class MLPGANOptions(Options):
    latent: int = Field(64, ge=1, description="dimensions of z, at least 1")
    width: int = Field(256, ge=1, description="units of each hidden layer, at least 1")
    learning_rate: float = Field(1e-3, gt=0, description="of both Adam optimizers, above 0")
