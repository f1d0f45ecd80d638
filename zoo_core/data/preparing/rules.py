"""What is asked of a preparation: every choice that its result depends on."""

from typing import Literal

from pydantic import Field, model_validator

from zoo_core.data.preparing.duplicates import BITS
from zoo_core.options import Options


class Rules(Options):
    """How images become a data set. Kept in the file's provenance, whole."""

    size: tuple[int, int] | None = Field(
        default=None, description="rows and columns to bring every image to; None: as they are"
    )
    input_size: tuple[int, int] | None = Field(
        default=None, description="rows and columns of the inputs, where there are pairs; by default those of `size`"
    )
    fit: Literal["crop", "pad", "stretch"] = Field(
        default="crop",
        description="what becomes of the rest where an image's aspect ratio is another: cut off around the "
        "centre, filled with black around the image, or none left by stretching",
    )
    filter: Literal["lanczos", "bicubic", "hamming", "bilinear", "box", "nearest"] = Field(
        default="lanczos", description="Pillow's filter, antialiased in all cases but the last"
    )
    colour: Literal["auto", "gray", "rgb"] = Field(default="auto", description="channels; auto: gray if every image is")
    min_side: int | None = Field(
        default=None,
        ge=1,
        description="shortest side in pixels, before resizing; by default half of the shorter side of "
        "`size`, or 8, so that nothing is enlarged more than twice",
    )
    min_deviation: float = Field(
        default=2.0,
        ge=0,
        le=127.5,
        description="standard deviation of the levels, of 256, that a channel must have, or else an image is taken as "
        "near-constant",
    )
    near: int | None = Field(
        default=20,
        ge=0,
        le=BITS,
        description=f"bits of the perceptual hash, of {BITS}, up to which images are near duplicates; None: only exact "
        "ones are looked for",
    )
    duplicates: Literal["remove", "report"] = Field(
        default="remove", description="whether duplicates are set aside, or kept in one split"
    )
    labels: Literal["source", "none"] = Field(default="source", description="take the labels of the source, or none")
    pattern: str | None = Field(
        default=None, description="a regular expression whose first group, found in the path, is the label"
    )
    unlabelled: Literal["keep", "drop"] = Field(default="keep", description="what becomes of images without a label")
    split: Literal["source", "ratio"] = Field(
        default="source", description="keep the source's own train and test where it has them, or divide all anew"
    )
    ratio: tuple[float, float, float] | None = Field(
        default=None,
        description="shares of train, validation and test, each above 0, where the images are divided here; by "
        "default a fifth for test and a tenth of the rest, at most 5,000, for validation",
    )

    @model_validator(mode="after")
    def _check(self) -> "Rules":
        if self.ratio is not None and (min(self.ratio) <= 0 or abs(sum(self.ratio) - 1) > 1e-6):
            raise ValueError(f"the shares should be above 0 and sum to 1, received {self.ratio}")
        if self.pattern is not None and self.labels == "none":
            raise ValueError(
                f"the pattern '{self.pattern}' is for labels of the source, which were not to be taken: leave one out"
            )
        return self

    @property
    def shortest(self) -> int:
        """The shortest side that is accepted, in pixels."""
        if self.min_side is not None:
            return self.min_side
        return 8 if self.size is None else max(1, (min(self.size) + 1) // 2)
