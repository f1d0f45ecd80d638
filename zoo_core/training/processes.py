"""Several processes that train one run together: all compute the same, and one of them writes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from zoo_core.errors import ZooError
from zoo_core.runs import RunFolder
from zoo_core.training.backends import backend


@contextmanager
def folder_of_this_process(path: Path) -> Iterator[Path]:
    """The run's folder for the process that leads; for any other a copy to write to, removed at the end.

    So every process takes the same way through the training, which those who compute together must.
    """
    if backend().leads:
        backend().agree(0)  # waits until the others have their copies
        yield path
        return
    with TemporaryDirectory(prefix="zoo-") as parent:
        copy = Path(parent) / path.name
        if RunFolder.is_run(path):
            shutil.copytree(path, copy)
        backend().agree(0)
        try:
            yield copy
        except ZooError as error:
            where = (str(copy), str(path))
            raise type(error)(error.message.replace(*where), error.hint.replace(*where)) from error
