"""zoo plugins new"""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from zoo_core.cli.output import console, emit, json_option

TASKS = {
    "gan": '{"generate"}',
    "conditional": '{"generate"}',
    "vae": '{"generate", "reconstruct"}',
    "translation": '{"translate"}',
}
"""The kinds that there are, with what a model of each can do."""

SUMMARIES = {
    "gan": "convolutional GAN",
    "conditional": "conditional GAN",
    "vae": "variational autoencoder",
    "translation": "paired image-to-image translation",
}

FILES = {
    "pyproject.toml": "plugin/pyproject.toml.j2",
    "README.md": "plugin/README.md.j2",
    "LICENSE": "plugin/LICENSE.j2",
    ".gitignore": "plugin/gitignore.j2",
    ".github/workflows/ci.yml": "plugin/ci.yml.j2",
    "src/{package}/__init__.py": "plugin/__init__.py.j2",
    "src/{package}/options.py": "plugin/options.py.j2",
    "src/{package}/model.py": "models/{kind}.py.j2",
    "tests/test_{package}.py": "plugin/test.py.j2",
}
"""By path in the new package, the template in `zoo_core/templates`."""

USED = ("GenerativeModel", "Options", "Phase")
"""Classes that the templates import."""


@click.command()
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(list(TASKS)),
    default="gan",
    show_default=True,
    help="Of model; translation is from image to image.",
)
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="The package's folder [zoo-NAME].")
@click.option("--class-name", metavar="NAME", help="Of the model's class, such as RealNVP [made of NAME's words].")
@json_option
def new(name: str, kind: str, out: Path | None, class_name: str | None, as_json: bool) -> None:
    """Write a package with a model of its own, called NAME: it installs, trains and passes the checks as it is.

    \b
    For example:
      zoo plugins new my-model
      zoo plugins new my-vae --kind vae --out ~/src/zoo-my-vae
      zoo plugins new realnvp --class-name RealNVP
    """
    from zoo_core.errors import UsageError

    _check_name(name)
    class_name = class_name or "".join(word.capitalize() for word in name.split("-"))
    _check_class_name(class_name)
    out = out or Path(f"zoo-{name}")
    if out.exists() or out.is_symlink():
        raise UsageError(f"'{out}' already exists.", "Name another folder: --out DIR.")
    _write(_render(name, kind, class_name), out)
    emit({"name": name, "kind": kind, "folder": str(out)}, as_json)
    console().print(f"Install it: pip install -e {out}\nThen: zoo train {name} --data {_data(kind)}")


def _check_name(name: str) -> None:
    from importlib.util import find_spec

    from zoo_core.discovery import CORE
    from zoo_core.errors import UsageError
    from zoo_core.registry import registry

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(
            f"A model's name must be of lower-case letters and digits, with single dashes between, received '{name}'.",
            "For example: my-model",
        )
    if name.startswith("zoo-"):
        raise UsageError(
            f"The package of '{name}' would be called 'zoo-{name}'.", f"Leave 'zoo-' out: {name.removeprefix('zoo-')}"
        )
    if f"zoo-{name}" == CORE:
        raise UsageError(f"'{name}' can't be a model's name: it means something else in the zoo.")
    found = registry()
    for plugin in found.plugins:
        if name in {spec.name for spec in plugin.models} or plugin.distribution == f"zoo-{name}":
            raise UsageError(f"'{name}' is taken by {plugin}.", "Choose another name.")
    if find_spec(_package(name)):
        raise UsageError(f"'{name}' is taken: there is a Python package '{_package(name)}'.", "Choose another name.")


def _check_class_name(name: str) -> None:
    from keyword import iskeyword

    from zoo_core.errors import UsageError

    if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", name):
        raise UsageError(
            f"The name of a class must be of letters and digits, the first a capital, received '{name}'.",
            "For example: --class-name RealNVP",
        )
    if iskeyword(name) or name in USED:
        raise UsageError(
            f"'{name}' can't be the name of the model's class: it means something else in Python or in the zoo.",
            "Choose another: --class-name NAME",
        )


def _render(name: str, kind: str, class_name: str) -> dict[str, str]:
    """The content of each file of the package, by path."""
    from datetime import date
    from importlib.metadata import version

    import jinja2

    from zoo_core.discovery import CORE
    from zoo_core.specs import API_VERSION

    major, minor = version(CORE).split(".")[:2]
    names = {
        "name": name,
        "kind": kind,
        "distribution": f"zoo-{name}",
        "package": _package(name),
        "class_name": class_name,
        "summary": f"{class_name}, a {SUMMARIES[kind]}",
        "year": date.today().year,
        "tasks": TASKS[kind],
        "data": _data(kind),
        "api_version": API_VERSION,
        "zoo_core": f">={major}.{minor},<{major}.{int(minor) + 1}",
    }
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("zoo_core"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    return {
        path.format(**names): templates.get_template(template.format(**names)).render(names)
        for path, template in FILES.items()
    }


def _write(files: dict[str, str], out: Path) -> None:
    """All of them or, where the disk is full, none."""
    from zoo_core.files import NotWritten

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as temporary:
            folder = Path(temporary) / out.name
            for path, content in files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(content, encoding="utf-8")
            folder.rename(out)
    except OSError as error:
        raise NotWritten(
            f"Can't write '{out}': {error.strerror or error}.", "Choose another folder: --out DIR."
        ) from error


def _data(kind: str) -> str:
    """What the first training is shown on."""
    return "digits~noise25" if kind == "translation" else "digits"


def _package(name: str) -> str:
    return f"zoo_{name.replace('-', '_')}"
