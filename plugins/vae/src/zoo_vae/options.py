from typing import Literal

from pydantic import Field

from zoo_core import Options


class VAEOptions(Options):
    latent: int = Field(16, ge=1, description="dimensions of z, at least 1")
    width: int = Field(32, ge=1, le=1024, description="channels next to the image, in [1, 1024]; each halving doubles")
    likelihood: Literal["bernoulli", "gaussian"] = Field("bernoulli", description="of a pixel: bernoulli or gaussian")
    sigma: float = Field(0.2, gt=0, description="standard deviation of the Gaussian likelihood, images in [-1, 1]")
    beta: float = Field(1.0, ge=0, description="weight of the KL term, at least 0; 1 is the ELBO")
    learning_rate: float = Field(1e-3, gt=0, description="of Adam, above 0")
