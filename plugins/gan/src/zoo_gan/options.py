from pydantic import Field

from zoo_core import Options


class GANOptions(Options):
    latent: int = Field(100, ge=1, description="dimensions of z, at least 1")
    width: int = Field(
        1200,
        ge=1,
        le=16384,
        description="hidden units of a generator's layer, in [1, 16384]; the discriminator's pieces are as many",
    )
    pieces: int = Field(5, ge=1, description="linear functions of which a maxout unit is the largest, at least 1")
    dropout: float = Field(
        0.5, ge=0, lt=1, description="share of the discriminator's hidden units dropped while training, in [0, 1)"
    )
    input_dropout: float = Field(0.2, ge=0, lt=1, description="share of the pixels that it sees dropped, in [0, 1)")
    learning_rate: float = Field(0.1, gt=0, description="of both optimizers, gradient descent with momentum, above 0")
    momentum: float = Field(0.5, ge=0, lt=1, description="of both optimizers, in [0, 1)")
