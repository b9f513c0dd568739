"""A piece of a journal: up to 64 KiB of records, in a file or in memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Optional

from .record import FIRST, SAMPLE, decode

SEGMENT_BYTES = 64 * 1024
#: Kept free at the end of each file for the marks that end it, and those for a disk that is full.
RESERVE_BYTES = 256


class Segment:
    """Records from `first_seq` on. A file has its full size from the start, so that a full disk shows when it is made, not in its middle."""

    def __init__(self, first_seq: int, path: Optional[Path] = None) -> None:
        self.first_seq = first_seq
        self.path = path
        #: Where the next record goes.
        self.end = 0
        #: What a segment in memory holds.
        self._data = bytearray()
        self._file: Optional[int] = None

    def create(self, path: Path) -> None:
        """Makes the file, and moves into it what was in memory. Raises OSError, and is then as it was before."""
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _allocate(file)
            if self._data:
                _write(file, bytes(self._data), 0)
        except OSError:
            os.close(file)
            path.unlink()
            raise
        self._file, self.path, self._data = file, path, bytearray()

    def reopen(self, end: int) -> None:
        """Goes on behind `end`. What lies there, a torn record, is wiped."""
        assert self.path is not None
        self._file = os.open(self.path, os.O_RDWR)
        self.end = end
        if os.fstat(self._file).st_size != SEGMENT_BYTES or any(self.read()[end:]):
            _write(self._file, bytes(SEGMENT_BYTES - end), end)

    def has_room(self, length: int) -> bool:
        return self.end + length + RESERVE_BYTES <= SEGMENT_BYTES

    def write(self, record: bytes) -> None:
        """Adds a record; raises OSError where the disk does not take it."""
        if self.path is None:
            self._data += record
        else:
            if self._file is None:
                self._file = os.open(self.path, os.O_RDWR)
            _write(self._file, record, self.end)
        self.end += len(record)

    def sync(self) -> None:
        """Waits until the disk has what was written."""
        if self._file is not None:
            getattr(os, "fdatasync", os.fsync)(self._file)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def remove(self) -> None:
        self.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def read(self) -> bytes:
        """All that it holds; nothing where the disk does not give it."""
        if self.path is None:
            return bytes(self._data)
        try:
            return self.path.read_bytes()[:SEGMENT_BYTES]
        except OSError:
            return b""

    def texts(self) -> Dict[int, str]:
        """The samples that are whole, by their seq."""
        return {each.seq: each.body.decode() for each in decode(self.read()) if each.kind in (FIRST, SAMPLE)}

    @property
    def bytes_taken(self) -> int:
        """Of disk or memory."""
        return self.end if self.path is None else SEGMENT_BYTES


def _allocate(file: int) -> None:
    allocate = getattr(os, "posix_fallocate", None)
    if allocate is None:
        _write(file, bytes(SEGMENT_BYTES), 0)
    else:
        allocate(file, 0, SEGMENT_BYTES)


def _write(file: int, data: bytes, at: int) -> None:
    os.lseek(file, at, os.SEEK_SET)
    while data:
        data = data[os.write(file, data) :]
