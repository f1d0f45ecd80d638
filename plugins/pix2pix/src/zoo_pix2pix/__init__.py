"""Paired image-to-image translation, pix2pix (Isola et al. 2017), for the zoo. No Keras is imported here."""

import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="pix2pix",
        summary="Paired image-to-image translation (Isola et al. 2017)",
        target="zoo_pix2pix.model:Pix2Pix",
        options="zoo_pix2pix.options:Pix2PixOptions",
        tasks={"translate"},
        api_version=1,
    )
