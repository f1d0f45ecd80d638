from pydantic import Field

from zoo_core import Options


class Pix2PixOptions(Options):
    width: int = Field(
        64, ge=1, le=1024, description="channels of both networks' first layers, in [1, 1024]; each halving doubles"
    )
    l1_weight: float = Field(
        100.0,
        ge=0,
        description="of the mean absolute error of images in [-1, 1], at least 0",
    )
    adversarial_weight: float = Field(
        1.0, ge=0, description="of the adversarial loss, at least 0; with 0 the U-Net learns from the L1 loss alone"
    )
    dropout: float = Field(
        0.5, ge=0, lt=1, description="share of values dropped in the decoder, also while translating, in [0, 1)"
    )
    learning_rate: float = Field(2e-4, gt=0, description="of both Adam optimizers, above 0")
    beta1: float = Field(0.5, ge=0, lt=1, description="first-moment decay of Adam, in [0, 1)")
