import zoo_core


@zoo_core.hookimpl
def zoo_features():
    yield zoo_core.FeatureSpec(
        name="histogram",
        summary="16 bins of intensity for each channel",
        target="zoo_histogram.network:open_histogram",
    )
