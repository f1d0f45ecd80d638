import zoo_core


@zoo_core.hookimpl
def zoo_datasets():
    yield zoo_core.DatasetSpec(
        name="ellipses",
        summary="white ellipses on black, lying or standing, of random sizes and places",
        target="zoo_ellipses.drawing:load",
        shape=(16, 16, 1),
        classes=("lying", "standing"),
        splits={"train": 2000, "validation": 200, "test": 500},
        origin="zoo-ellipses",
    )
