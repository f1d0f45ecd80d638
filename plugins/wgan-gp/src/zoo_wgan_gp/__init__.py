"""Wasserstein GAN with gradient penalty (Gulrajani et al. 2017) for the zoo. No Keras is imported here."""

import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="wgan-gp",
        summary="Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)",
        target="zoo_wgan_gp.model:WGANGP",
        options="zoo_wgan_gp.options:WGANGPOptions",
        tasks={"generate"},
        api_version=1,
    )
