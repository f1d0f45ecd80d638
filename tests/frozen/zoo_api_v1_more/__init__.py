"""A plugin as it was written for version 1 of the plugin API. NEVER EDIT THIS PACKAGE.

Where a change of the core makes it fail, the change breaks the plugins of others: mend the core.
"""

import zoo_core


@zoo_core.hookimpl
def zoo_datasets():
    yield zoo_core.DatasetSpec(
        name="v1-ramps",
        summary="from dark to bright, to the right or downwards",
        target="zoo_api_v1_more.data:load_ramps",
        shape=(8, 8, 1),
        classes=("right", "down"),
        splits={"train": 20, "validation": 4, "test": 10},
        origin="zoo-api_v1_more",
        native=(4, 4),
    )
    yield zoo_core.DatasetSpec(
        name="v1-pairs",
        summary="images and what they are to be made from",
        target="zoo_api_v1_more.data:load_pairs",
        shape=(8, 8, 3),
        classes=(),
        splits={"train": 9, "validation": 1, "test": 5},
        origin="nobody",
        download="by hand",
        at_hand="zoo_api_v1_more.data:find_pairs",
        megabytes=1,
        files=("pairs.npz",),
        api_version=1,
    )


@zoo_core.hookimpl
def zoo_metrics():
    yield zoo_core.MetricSpec(
        name="v1-contrast",
        summary="difference of the mean contrast from that of real images",
        target="zoo_api_v1_more.metrics:Contrast",
    )
    yield zoo_core.MetricSpec(
        name="v1-bright",
        summary="share of images whose features are above those of training images",
        target="zoo_api_v1_more.metrics:Bright",
    )
    yield zoo_core.MetricSpec(
        name="v1-error",
        summary="mean absolute error of reconstructions",
        target="zoo_api_v1_more.metrics:MeanError",
        api_version=1,
    )
