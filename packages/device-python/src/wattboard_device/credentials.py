"""With which token the device comes: the one that the server has sent it last, and else the one that it was given."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import List, Optional, Protocol


class TokenStore(Protocol):
    """Keeps the token that the server has sent beyond a restart, and a power failure. Both may wait for the disk."""

    def load(self, server: str) -> Optional[str]:
        """The token that was saved last for this server; None: none."""

    def save(self, server: str, token: str) -> None:
        """When it returns, the token is on the disk. Where it raises, the device goes on with the token that it has."""


class FileTokenStore:
    """In a file that its owner alone may read, and which is replaced as a whole. One that cannot be read counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = Path(path)

    def load(self, server: str) -> Optional[str]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            # Another server must not see it.
            token = found["token"] if found["server"] == server else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return token if isinstance(token, str) and token else None

    def save(self, server: str, token: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self._path.with_suffix(".new")
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as writing:
            json.dump({"server": server, "token": token}, writing)
            writing.flush()
            os.fsync(writing.fileno())
        os.replace(new, self._path)
        _sync_folder(self._path.parent)


class Credentials:
    def __init__(self, given: str, server: str, store: Optional[TokenStore]) -> None:
        self._given = given
        self._server = server
        self._store = store
        #: In the order in which they are tried.
        self._tokens: List[str] = _distinct((store.load(server) if store else None) or given, given)
        self._at = 0
        self._refusals = 0

    @property
    def takes_tokens(self) -> bool:
        """Whether a token that the server sends would be kept."""
        return self._store is not None

    @property
    def token(self) -> str:
        return self._tokens[self._at]

    def accepted(self) -> None:
        """The server has let the device in with the token."""
        self._refusals = 0

    def refused(self) -> bool:
        """The server does not know the token. The other one is next; gives whether there is one that it has not refused as well."""
        self._at = (self._at + 1) % len(self._tokens)
        self._refusals += 1
        return self._refusals % len(self._tokens) != 0

    def save(self, token: str) -> None:
        """Stores what the server has sent; waits for the disk, and raises what that fails with."""
        if self._store is not None and token != self._tokens[0]:
            self._store.save(self._server, token)

    def use(self, token: str) -> None:
        """Comes with it from now on; it is saved."""
        self._tokens = _distinct(token, self._given)
        self._at = self._refusals = 0


def _distinct(first: str, second: str) -> List[str]:
    return [first] if first == second else [first, second]


def _sync_folder(folder: Path) -> None:
    """The file's new content is found under its name after a power failure too. Where a folder cannot be opened (Windows), the system sees to it."""
    try:
        entry = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(entry)
    finally:
        os.close(entry)
