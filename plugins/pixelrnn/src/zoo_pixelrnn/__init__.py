"""PixelRNN, the Row LSTM (van den Oord et al. 2016) for the zoo. No Keras is imported here."""

import zoo_core


@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="pixelrnn",
        summary="PixelRNN, the Row LSTM (van den Oord et al. 2016)",
        target="zoo_pixelrnn.model:PixelRNN",
        options="zoo_pixelrnn.options:PixelRNNOptions",
        tasks={"generate", "likelihood", "inpaint"},
        api_version=1,
    )
