from pydantic import Field

from zoo_core import Options


class WGANGPOptions(Options):
    latent: int = Field(128, ge=1, description="dimensions of z, at least 1")
    width: int = Field(64, ge=1, le=1024, description="channels next to the image, in [1, 1024]; each halving doubles")
    penalty: float = Field(10.0, ge=0, description="λ, the weight of the gradient penalty, at least 0")
    critic_updates: int = Field(5, ge=1, description="of the critic for each one of the generator, at least 1")
    learning_rate: float = Field(1e-4, gt=0, description="of both Adam optimizers, above 0")
    beta1: float = Field(0.0, ge=0, lt=1, description="first-moment decay of Adam, in [0, 1)")
    beta2: float = Field(0.9, ge=0, lt=1, description="second-moment decay of Adam, in [0, 1)")
