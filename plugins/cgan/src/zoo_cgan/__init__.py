"""Conditional GAN (Mirza & Osindero 2014) for the zoo. No Keras is imported here."""

import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="cgan",
        summary="Convolutional conditional GAN (Mirza & Osindero 2014)",
        target="zoo_cgan.model:CGAN",
        options="zoo_cgan.options:CGANOptions",
        tasks={"generate"},
        labels="required",
        api_version=1,
    )
