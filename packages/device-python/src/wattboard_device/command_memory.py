"""Remembers commands beyond a restart, so that none is carried out twice."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import List, Optional, Sequence


@dataclass(frozen=True)
class RememberedCommand:
    """A command that was taken, and what became of it; `accepted` as long as it is being carried out."""

    command_id: str
    #: accepted, applied, rejected, failed
    status: str
    reason: Optional[str] = None


class FileCommandMemory:
    """In a file, which is replaced as a whole each time. One that cannot be read counts as empty. Both calls wait for the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> List[RememberedCommand]:
        try:
            found = json.loads(self._path.read_text())
            return [RememberedCommand(**each) for each in found]
        except (OSError, ValueError, TypeError):
            return []

    def save(self, commands: Sequence[RememberedCommand]) -> None:
        """Raises OSError; the command is then not carried out."""
        new = self._path.with_suffix(".new")
        with open(new, "w", encoding="utf-8") as file:
            json.dump([asdict(each) for each in commands], file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self._path)
