"""Variational autoencoder (Kingma & Welling 2013) for the zoo. No Keras is imported here."""

import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="vae",
        summary="Convolutional variational autoencoder (Kingma & Welling 2013)",
        target="zoo_vae.model:VAE",
        options="zoo_vae.options:VAEOptions",
        tasks={"generate", "reconstruct", "likelihood"},
        api_version=1,
    )
