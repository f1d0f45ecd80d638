import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="gmmn",
        summary="Generative moment matching network (Li et al. 2015)",
        target="zoo_gmmn.model:GMMN",
        options="zoo_core:Options",  # no options of its own
        tasks={"generate"},
    )
