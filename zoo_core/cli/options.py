"""Command-line options that several commands share."""

from pathlib import Path

import click

DEFAULT_DATA = "digits"
"""It comes with a dependency, so it is always there."""

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
    help="fid, kid, isc, prc … or all [the usual ones that apply].",
)
protocol_option = click.option(
    "--protocol",
    metavar="NAME|FILE",
    help="Of zoo protocols list, or a TOML file: fixes what moves a score.",
)
steps_option = click.option("--steps", type=int, help="Training steps in all.")
batch_size_option = click.option("--batch-size", type=int, help="Images in each step.")
