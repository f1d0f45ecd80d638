from typing import Literal

from pydantic import Field

from zoo_core import Options


class PixelRNNOptions(Options):
    pixels: Literal["levels", "binarized"] = Field(
        "levels", description="what is modelled: the 256 levels of a pixel, or images binarized at random"
    )
    layers: int = Field(4, ge=1, le=64, description="Row LSTM layers, in [1, 64]")
    width: int = Field(
        16, ge=1, le=1024, description="hidden units h of each, in [1, 1024]; the map between layers has 2h features"
    )
    features: int = Field(64, ge=1, le=4096, description="of the two layers before the softmax, in [1, 4096]")
    learning_rate: float = Field(3e-3, gt=0, description="of RMSProp, above 0")
