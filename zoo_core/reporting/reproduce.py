"""How to get records again: the exact commands, and the packages that they ran with."""

import itertools
import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import tomli_w

from zoo_core.comparing.results import Comparison
from zoo_core.comparing.summaries import source_of
from zoo_core.data.sources import without_splits
from zoo_core.discovery import is_file
from zoo_core.errors import ZooError
from zoo_core.evaluation.metrics import metric_of, open_metric
from zoo_core.evaluation.protocol import load_protocol, protocol_names
from zoo_core.evaluation.record import Record
from zoo_core.registry import registry
from zoo_core.training.options import as_asked


def commands(comparison: Comparison, example: Record) -> str:
    """How to get one of its tables again: what installs the packages, and the command of the whole comparison or, where
    that is not known, those of one record. Behind a # stands where it ran, and what is needed beside.

    Args:
        example: a record of the table, whose environment stands for all.
    """
    if not comparison.command.startswith("zoo compare"):
        last = [training_command(example), evaluation_command(example)]
        return "\n".join([*_environment(example, [example]), *last])
    scored = {source_of(record).model for record in comparison.records}
    unscored = dict.fromkeys(failure.model for failure in comparison.failures if failure.model not in scored)
    needed = [f"the plugin of {model}, of which no run was scored" for model in unscored]
    for option, file in re.findall(r"(--protocol[ =])?('[^']+\.toml'|[^\s'=]+\.toml)", comparison.command):
        needed.append(f"{file}, {'the protocol' if option else 'or in its place the commands of each record'} below")
    return "\n".join([*_environment(example, comparison.records), *map(_needed, needed), comparison.command])


def training_command(record: Record) -> str:
    """`zoo train` with everything that was chosen, whether typed, given from Python or left at its default."""
    source = source_of(record)
    words = ["zoo", "train", source.model, "--data", source.trained_on.name, "--seed", str(source.seed)]
    words += ["--out", source.run, *_assignments("-t", as_asked(source.training)), *_assignments("-o", source.options)]
    return shlex.join(words)


def evaluation_command(record: Record) -> str:
    """`zoo evaluate` by the record's protocol, or with all that was fixed without one. FILE stands for a protocol or
    weights of one's own."""
    words = ["zoo", "evaluate", source_of(record).run]
    weights = ["--weights", "FILE"] if "@" in record.features.name else []
    if protocol := record.protocol:
        shipped = protocol.name in protocol_names() and load_protocol(protocol.name) == protocol
        return shlex.join([*words, "--protocol", protocol.name if shipped else "FILE", *weights])
    data, scores = record.data, record.metrics
    # there are as many pairs as originals, whatever the number of generated images
    counts = [score.n_generated for key, score in scores.items() if not _of_pairs(key)]
    count = max(counts or [score.n_generated for score in scores.values()], default=0)
    against = data.name if data.reference in ("all", "test") else f"{without_splits(data.name)}#{data.reference}"
    words += ["--against", against, "--features", record.features.name.partition(":")[0].partition("@")[0], *weights]
    words += ["--checkpoint", source_of(record).checkpoint_rule, "--seed", str(record.sampling_seed)]
    words += ["-n", str(count)] if count else []
    words += ["--metrics", ",".join(record.requested)] if record.requested else []
    return shlex.join(words)


def _environment(example: Record, records: list[Record]) -> list[str]:
    """What installs the packages of the example, and whatever brought the models, data sets, features and metrics of
    the records, and chooses the backend."""
    environment = source_of(example).environment
    brought = dict(itertools.chain.from_iterable(map(_brought, records)))
    files = {name: version for name, version in brought.items() if is_file(name)}
    packages = environment.get("packages", {}) | {name: brought[name] for name in brought if name not in files}
    where = [str(environment[key]) for key in ("device", "platform", "precision") if environment.get(key)]
    where += [f"{environment['cores']} cores"] if environment.get("cores") else []
    where += [f"git {environment['git']}"] if environment.get("git") else []
    return [
        _comment(f"Python {environment.get('python', '?')}, {', '.join(where)}"),
        f"pip install {shlex.join(f'{name}=={version}' for name, version in packages.items())}",
        *(_needed(f"{name}, of {version}") for name, version in files.items()),
        *([f"export ZOO_MODEL_FILES={shlex.quote(os.pathsep.join(files))}"] if files else []),
        f"export KERAS_BACKEND={environment.get('backend', 'jax')}",
    ]


def _brought(record: Record) -> Iterator[tuple[str, str]]:
    """The distributions behind a record, with their versions."""
    source = source_of(record)
    yield source.distribution, source.version
    plugins = [record.data.plugin, source.trained_on.plugin, record.features.plugin]
    for plugin in filter(None, [*plugins, *(score.plugin for score in record.metrics.values())]):
        name, _, version = plugin.partition(" ")
        yield name, version


def _needed(what: str) -> str:
    return _comment(f"needed: {what}")


def _comment(text: str) -> str:
    """On one line, whatever the text holds."""
    return f"# {' '.join(text.split())}"


def _of_pairs(key: str) -> bool:
    """Whether the score is of pairs of images; not, where its metric is not installed here."""
    name = metric_of(key, registry().metrics)
    try:
        return name is not None and open_metric(name).needs == "reconstructions"
    except ZooError:
        return False


def _assignments(flag: str, values: Mapping[str, Any]) -> list[str]:
    """As the command line reads them: TOML; an option that is None is left out."""
    return [word for key, value in values.items() if value is not None for word in (flag, f"{key}={_toml(value)}")]


def _toml(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value) if isinstance(value, list) else tomli_w.dumps(value).strip()
    return value if isinstance(value, str) else json.dumps(value)
