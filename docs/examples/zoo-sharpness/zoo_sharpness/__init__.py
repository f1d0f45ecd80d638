import zoo_core


@zoo_core.hookimpl
def zoo_metrics():
    yield zoo_core.MetricSpec(
        name="sharpness",
        summary="difference of the mean gradient magnitude from that of real images",
        target="zoo_sharpness.metric:Sharpness",
    )
