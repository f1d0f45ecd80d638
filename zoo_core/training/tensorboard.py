"""What is logged, for TensorBoard."""

import socket
import struct
import time
from pathlib import Path
from typing import Any

from zoo_core.errors import UsageError
from zoo_core.files import writing

VERSION = "brain.Event:2"
"""Of the format, which the first event of a file states."""


class TensorBoard:
    """A `Sink` that writes an event file, and raises NotWritten where the disk is full.

    Of tensorboardX it takes the format alone. Its own writer is a thread, which would go on to complain of a full disk
    until after the run has said so.

    Raises:
        UsageError: where the package tensorboardX is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboardX.proto import event_pb2, summary_pb2
            from tensorboardX.record_writer import masked_crc32c
        except ImportError as error:
            without = f", or remove '{folder}' to go on without it." if folder.exists() else ""
            raise UsageError(
                "TensorBoard's files need the package tensorboardX, which is not installed.",
                f"pip install 'zoo-core[tensorboard]'{without}",
            ) from error
        self._folder = folder
        self._file = folder / f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}"
        self._events, self._summaries, self._checksum = event_pb2, summary_pb2, masked_crc32c

    def begin(self, label: str, step: int, steps: int, seconds: float = 0.0) -> None:
        restart = self._events.SessionLog(status=self._events.SessionLog.START)
        void = self._event(step=step + 1, session_log=restart)  # what came after the checkpoint
        self._write(self._event(file_version=VERSION), void)

    def log(self, line: dict[str, float]) -> None:
        kind = self._summaries.Summary
        values = [kind.Value(tag=name, simple_value=value) for name, value in line.items() if name != "step"]
        self._write(self._event(step=int(line["step"]), summary=kind(value=values)))

    def _event(self, **fields: Any) -> bytes:
        return self._events.Event(wall_time=time.time(), **fields).SerializeToString()

    def _write(self, *events: bytes) -> None:
        """Add TFRecords: length, checksum of the length, event, checksum of the event."""
        with writing(self._folder, "Free some space."):
            self._folder.mkdir(exist_ok=True)
            with self._file.open("ab") as file:
                for event in events:
                    length = struct.pack("<Q", len(event))
                    file.write(length + self._packed_checksum(length) + event + self._packed_checksum(event))

    def _packed_checksum(self, content: bytes) -> bytes:
        return struct.pack("<I", self._checksum(content))
