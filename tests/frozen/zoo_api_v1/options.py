from typing import Literal

from pydantic import Field

from zoo_core import Options


class V1GANOptions(Options):
    latent: int = Field(8, ge=1, description="dimensions of z, at least 1")
    width: int = Field(4, ge=1, le=1024, description="channels next to the image, in [1, 1024]")
    loss: Literal["wasserstein", "hinge"] = Field("wasserstein", description="wasserstein or hinge")
    penalty: float = Field(10.0, ge=0, description="weight of the gradient penalty, at least 0")
    dropout: float = Field(0.1, ge=0, lt=1, description="share of features that the critic drops, in [0, 1)")
    learning_rate: float = Field(1e-3, gt=0, description="of both Adam optimizers, above 0")


class V1VAEOptions(Options):
    latent: int = Field(4, ge=1, description="dimensions of z, at least 1")
    width: int = Field(4, ge=1, le=1024, description="channels next to the image, in [1, 1024]")
    sigma: float | None = Field(None, gt=0, description="of the Gaussian, images in [-1, 1]; 0.2 where it is not given")
