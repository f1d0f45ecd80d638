"""Deep convolutional GAN (Radford et al. 2015) for the zoo. No Keras is imported here."""

import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="dcgan",
        summary="Deep convolutional GAN (Radford et al. 2015)",
        target="zoo_dcgan.model:DCGAN",
        options="zoo_dcgan.options:DCGANOptions",
        tasks={"generate"},
        api_version=1,
    )
