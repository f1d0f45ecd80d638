"""Arrays in an HDF5 file that another program wrote, h5py for example: looked at by a process of its own.

`zoo_core.hdf5` says how a file can lead its reader astray or be broken, and which layout is safe. Other programs write
others: with those a few damaged bytes make libhdf5 loop for ever, crash or fill the memory. Then that process ends, and
nothing else with it.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, final

import numpy as np

from zoo_core.data.array_file import BLOCK, ArrayFile, ArrayHeader, Placed
from zoo_core.errors import UsageError, ZooError

# -P: what lies in the current folder is no module of ours.
_COMMAND = [sys.executable, "-P", "-m", "zoo_core.data.foreign_hdf5_process"]
_DEATHS = {signal.SIGXCPU: "it takes too long", signal.SIGKILL: "it takes too much memory"}


@final
class Hdf5File(ArrayFile):
    """The arrays at the root of the file.

    Args:
        packed: how many bytes those take in the file that do not lie there in one piece and as they are.
    """

    example: ClassVar[str] = "file['images'] = array, at the root of the file"

    def __init__(self, path: Path, headers: Mapping[str, ArrayHeader], packed: Mapping[str, int]) -> None:
        super().__init__(path, headers)
        self._packed = packed

    def placed(self, name: str) -> Placed | None:
        if name in self._packed:
            return None
        header = self.headers[name]
        if not 0 < header.start <= self.path.stat().st_size - header.nbytes:
            raise ValueError(f"'{name}' {header} has no or too few bytes in the file")
        return Placed(self.path, header.start, header.shape, header.dtype.str)

    def blocks(self, name: str) -> Iterator[bytes]:
        self.check_unpacked(name, self._packed[name])
        left = self.headers[name].nbytes
        for block in _output(self.path, name):
            left -= len(block)
            yield block
        if left:
            raise ValueError(f"'{name}' ends early")


@contextmanager
def reading_hdf5(path: Path) -> Iterator[Hdf5File]:
    """An open file.

    Raises:
        UsageError: where `images` or `labels` are there, but not in the file itself, or compressed in another way than
            h5py's own.
        ZooError: if it is damaged, now or within the `with` block.
    """
    try:
        found = json.loads(b"".join(_output(path)))
        for name in ("images", "labels"):
            if reason := found.get(name, {}).get("refused"):
                raise UsageError(
                    f"'{name}' in '{path}' {reason}.",
                    "Write the array itself into the file, plain or compressed with gzip or lzf.",
                )
        arrays = {name: array for name, array in found.items() if "refused" not in array}
        headers = {
            name: ArrayHeader(tuple(array["shape"]), "C", np.dtype(array["dtype"]), array["start"] or 0)
            for name, array in arrays.items()
        }
        yield Hdf5File(path, headers, {name: a["packed"] for name, a in arrays.items() if a["start"] is None})
    except ZooError:
        raise
    except (ValueError, TypeError, OSError) as error:
        raise ZooError(f"'{path}' can't be read as an HDF5 file: {error}.", "Write it again.") from error


def _output(*arguments: str | Path) -> Iterator[bytes]:
    """What the process writes, in pieces. Raises ValueError for what it says is wrong, or for what ends it."""
    with subprocess.Popen([*_COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            while block := process.stdout.read(BLOCK):
                yield block
            said = process.stderr.read().decode(errors="replace").strip()
            process.wait()
        finally:
            process.kill()  # where nobody wants the rest
    if process.returncode < 0:
        raise ValueError(_DEATHS.get(signal.Signals(-process.returncode), "the HDF5 library crashes"))
    if process.returncode:
        raise ValueError(said.splitlines()[-1] if said else "it can't be opened")
