"""One process a journal."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import JournalInUse


class FolderLock:
    """Held from its making until `release`, or the end of the process. Raises JournalInUse where somebody has it."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._file)
        except OSError:
            os.close(self._file)
            raise JournalInUse(
                [
                    f"The journal {folder} is in use by another process, or by another device of this one: "
                    "stop that, or give each a journal of its own (journal=…)."
                ]
            ) from None

    def release(self) -> None:
        os.close(self._file)


def _lock(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
