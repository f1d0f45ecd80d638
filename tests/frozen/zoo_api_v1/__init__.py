"""A plugin as it was written for version 1 of the plugin API. NEVER EDIT THIS PACKAGE.

Where a change of the core makes it fail, the change breaks the plugins of others: mend the core.
"""

import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="v1-gan",
        summary="Conditional Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)",
        target="zoo_api_v1.gan:V1GAN",
        options="zoo_api_v1.options:V1GANOptions",
        tasks={"generate"},
        labels="required",
        api_version=1,
    )
    yield zoo_core.ModelSpec(
        name="v1-vae",
        summary="Variational autoencoder (Kingma & Welling 2013)",
        target="zoo_api_v1.vae:V1VAE",
        options="zoo_api_v1.options:V1VAEOptions",
        tasks={"generate", "reconstruct", "likelihood"},
        api_version=1,
    )


@zoo_core.hookimpl
def zoo_features():
    yield zoo_core.FeatureSpec(
        name="v1-means",
        summary="the mean of each channel",
        target="zoo_api_v1.features:open_means",
        api_version=1,
    )
