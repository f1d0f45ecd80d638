import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="mlp-gan",
        summary="Fully connected GAN (Goodfellow et al. 2014)",
        target="zoo_mlp_gan.model:MLPGAN",
        options="zoo_core:Options",  # none yet
        tasks={"generate"},
    )
