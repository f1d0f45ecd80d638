"""The original, fully connected GAN (Goodfellow et al. 2014) for the zoo. No Keras is imported here."""

import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="gan",
        summary="The original, fully connected GAN (Goodfellow et al. 2014)",
        target="zoo_gan.model:GAN",
        options="zoo_gan.options:GANOptions",
        tasks={"generate"},
        api_version=1,
    )
