"""The command `zoo`: which commands there are, and how every error becomes one message and one exit code."""

import importlib
import io
import signal
import sys
import traceback
import warnings
from typing import Any, TextIO

import click

from zoo_core.errors import Interrupted, UsageError, ZooError
from zoo_core.keras_backend import use_backend

COMMANDS = {
    "train": ("zoo_core.cli.train:train", "Train a model on a data set, or go on with a run."),
    "sample": ("zoo_core.cli.sample:sample", "Draw images from a trained model."),
    "evaluate": ("zoo_core.cli.evaluate:evaluate", "Score a run, or images from anywhere, against a data set."),
    "reconstruct": ("zoo_core.cli.reconstruct:reconstruct", "Put images through an autoencoder."),
    "compress": ("zoo_core.cli.compress:compress", "Store images as the latents of an autoencoder."),
    "decompress": ("zoo_core.cli.compress:decompress", "Get images back from what zoo compress wrote."),
    "inpaint": ("zoo_core.cli.inpaint:inpaint", "Fill in what is missing of an image."),
    "edit": ("zoo_core.cli.edit:edit", "Change what an image shows, through a model's latents."),
    "translate": ("zoo_core.cli.translate:translate", "Turn images into what a model makes of them."),
    "enhance": ("zoo_core.cli.translate:enhance", "Restore images: more pixels, less noise, sharper."),
    "compare": ("zoo_core.cli.compare:compare", "Train and evaluate several models on several data sets."),
    "report": ("zoo_core.cli.report:report", "Put results side by side: a page, files for a paper, what changed."),
    "models": ("zoo_core.cli.models:models", "List the models, show one and its options."),
    "datasets": ("zoo_core.cli.datasets:datasets", "List, show and prepare data sets."),
    "protocols": ("zoo_core.cli.protocols:protocols", "List and show the evaluation protocols."),
    "features": ("zoo_core.cli.features:features", "List the feature networks that distances stand on."),
    "metrics": ("zoo_core.cli.metrics:metrics", "List the metrics that scores are taken by."),
    "classifier": ("zoo_core.cli.classifier:classifier", "Train the classifier whose features the scores use."),
    "plugins": ("zoo_core.cli.plugins:plugins", "List the installed plugins, the broken ones with the reason."),
}


class LazyGroup(click.Group):
    """A group that imports a command when it is run; in listings and completions its short help stands for it.

    Args:
        targets: by command name, "module:attribute" of the command and its short help.
    """

    def __init__(self, *args: Any, targets: dict[str, tuple[str, str]], **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.targets = targets
        self.commands = {name: click.Command(name, short_help=short) for name, (_, short) in targets.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.targets)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, args = super().resolve_command(ctx, args)
        if name in self.targets:
            module, _, attribute = self.targets[name][0].partition(":")
            command = getattr(importlib.import_module(module), attribute)
        return name, command, args


class Zoo(LazyGroup):
    """The outermost group: whatever happens in a command, people see a message and scripts an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
                raise  # click itself shows these and knows their exit codes
            except (Exception, KeyboardInterrupt) as error:
                if ctx.params["debug"]:
                    traceback.print_exc()
                failure = _as_zoo_error(error)
                _show_error(failure)
                ctx.exit(failure.exit_code)


@click.group(cls=Zoo, targets=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, envvar="ZOO_DEBUG", help="Show the traceback of an error. Or set ZOO_DEBUG=1.")
@click.version_option(package_name="zoo-core", prog_name="zoo", message="%(prog)s %(version)s")
def zoo(debug: bool) -> None:
    """Train generative image models, each of them a plugin, on built-in data sets or on your own images. Sample from
    them, score them by the same rules, and compare them on one page.

    \b
    For example:
      zoo train vae --data digits --out runs/first
      zoo evaluate runs/first --against digits
      zoo report runs/first
    """


def run() -> None:
    """The console script. SIGTERM is taken as Ctrl-C, so that nothing is left half done. A file name that is no text is
    printed with escapes, as `\\udcff`."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    zoo(prog_name="zoo")


def _as_zoo_error(error: BaseException) -> ZooError:
    if isinstance(error, ZooError):
        return error
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Interrupted("Interrupted.")
    if isinstance(error, OSError):
        return ZooError(f"{error}.", "The system refused it; run again with 'zoo --debug ...' to see where.")
    if isinstance(error, ImportError | ValueError) and "keras" not in sys.modules:
        try:
            use_backend("auto")
        except UsageError as no_backend:  # so it was the import of Keras that failed
            return no_backend
    from zoo_core.discovery import raised_in  # here, because `zoo --help` needs none of it

    # Keras puts a line of its own above what a layer raised
    lines = (line for line in click.unstyle(str(error)).splitlines() if not line.startswith("Exception encountered"))
    description = f"{type(error).__name__}: {next(filter(str.strip, lines), '')}".rstrip(":. ")
    if place := raised_in(error):
        return ZooError(
            f"unexpected {description}, in {place}.",
            "The plugin is at fault: 'zoo --debug ...' shows the traceback, 'zoo plugins check' what else is wrong.",
        )
    return ZooError(
        f"unexpected {description}; run again with 'zoo --debug ...' for the traceback and please report it"
    )


def _show_error(error: ZooError) -> None:
    from rich.text import Text  # here, because `zoo --help` needs none of it

    from zoo_core.cli.output import console

    label = "" if isinstance(error, Interrupted) else "Error: "
    console().print(Text.assemble((label, "bold red"), error.message))
    if error.hint:
        console().print(error.hint)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    click.echo(f"zoo: {' '.join(str(message).split())}", err=True)
