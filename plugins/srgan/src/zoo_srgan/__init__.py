"""Super-resolution, denoising and deblurring, SRGAN and SRResNet (Ledig et al. 2017), for the zoo. No Keras is imported
here."""

import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="srgan",
        summary="Super-resolution, denoising, deblurring (Ledig et al. 2017)",
        target="zoo_srgan.model:SRGAN",
        options="zoo_srgan.options:SRGANOptions",
        tasks={"translate"},
        api_version=1,
    )
