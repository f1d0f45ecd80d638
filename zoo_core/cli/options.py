"""Command-line options that several commands share."""

from pathlib import Path

import click

from zoo_core.keras_backend import BACKENDS, use_backend

DEFAULT_DATA = "digits"
"""It comes with a dependency, so it is always there."""

BACKEND = "zoo_core.backend"
"""Where a command's `Context.meta` has the backend that was asked for, if one was."""


def _choose_backend(context: click.Context, _: click.Parameter, name: str | None) -> None:
    if name:
        use_backend(name)
    if name not in (None, "auto"):
        context.meta[BACKEND] = name


data_dir_option = click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(path_type=Path),
    envvar="ZOO_DATA_DIR",
    help="Folder with local copies of built-in data sets, such as mnist.npz. Or set ZOO_DATA_DIR.",
)
device_option = click.option(
    "--device", type=click.Choice(["auto", "cpu", "gpu"]), default="auto", show_default=True, help="Where to run."
)
devices_option = click.option(
    "--devices", type=click.IntRange(1), metavar="N", help="That share each batch, on JAX [1, or those of the run]."
)
backend_option = click.option(
    "--backend",
    type=click.Choice(["auto", *BACKENDS]),
    expose_value=False,
    callback=_choose_backend,
    help="That Keras runs on [KERAS_BACKEND, or jax].",
)
training_option = click.option(
    "-t", "training", metavar="KEY=VALUE", multiple=True, help="An option of the training (zoo models show)."
)
checkpoint_option = click.option(
    "--checkpoint",
    type=click.Choice(["final", "best"]),
    help="The last one, or the best by held-out scores [final].",
)
features_option = click.option(
    "--features",
    default="auto",
    show_default=True,
    help="Of zoo features list; auto is a classifier, if any.",
)
weights_option = click.option(
    "--weights",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Weights for the features, not their own.",
)
metrics_option = click.option(
    "--metrics",
    metavar="NAME,NAME",
    callback=lambda _, __, text: [name.strip() for name in text.split(",")] if text else None,
    help="Of zoo metrics list, or all [the usual ones that apply].",
)
protocol_option = click.option(
    "--protocol",
    metavar="NAME|FILE",
    help="Of zoo protocols list, or a TOML file: fixes what moves a score.",
)
steps_option = click.option("--steps", type=int, help="Training steps in all.")
batch_size_option = click.option("--batch-size", type=int, help="Images in each step.")
