from pydantic import Field

from zoo_core import Options


class SRGANOptions(Options):
    width: int = Field(
        64,
        ge=1,
        le=1024,
        description="channels of both networks, in [1, 1024]; each halving of the discriminator doubles",
    )
    blocks: int = Field(16, ge=1, le=64, description="residual blocks of the generator, in [1, 64]")
    adversarial_weight: float = Field(
        1e-3,
        ge=0,
        description="of the adversarial loss beside the mean squared error of images in [-1, 1], at least 0; "
        "with 0 it is SRResNet, without a discriminator",
    )
    learning_rate: float = Field(1e-4, gt=0, description="of both Adam optimizers, above 0")
    beta1: float = Field(0.9, ge=0, lt=1, description="first-moment decay of Adam, in [0, 1)")
