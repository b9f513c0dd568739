"""What makes a device: its options, completed from the environment."""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, List, Mapping, Optional, Union
from urllib.parse import urlsplit

from .command import Capabilities
from .command_inbox import CommandHandler
from .credentials import FileTokenStore, TokenStore
from .errors import DeviceConfigurationError
from .journal import BYTES_DEFAULT, BYTES_MIN
from .limits import DEFAULT_URL, MESSAGES_PER_SECOND
from .link import DeviceStatus
from .notices import Notice, log_notice

#: As `journal`: samples are kept in memory alone, and lost with the process.
IN_MEMORY = ":memory:"

_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_DOOR = "/ws/device/"


@dataclass(frozen=True)
class Options:
    """Raises DeviceConfigurationError, which names all that is missing or wrong."""

    #: Default: the environment's `DEVICE_ID`.
    device_id: str = ""
    #: Default: the environment's `API_TOKEN`. Sent in the `Authorization` header, never in the URL.
    token: str = ""
    #: The server's base address (http, https, ws, wss), or that of the device's door. Default: the environment's `WATTBOARD_URL`, then `http://127.0.0.1:8000`.
    url: str = ""
    #: The folder of the journal. Default: one for each device in `$WATTBOARD_JOURNALS`, else in `~/.local/state/wattboard-device`.
    journal: Union[str, Path, None] = None
    #: What the journal may take; when it is full, the oldest samples go. The default is a day at one sample a second.
    journal_bytes: int = BYTES_DEFAULT
    #: Measures once, `rate_hz` times a second, whether there is a link or not; None: nothing to send. May be a coroutine function; any other runs on a thread.
    read: Optional[Callable[[], Any]] = None
    rate_hz: float = 1.0
    #: Carries out a command, each `command_id` once. Return when it is done; raise CommandRejected where the device will not do it, anything else where it
    #: failed. A coroutine function may overlap with the next; any other runs on a thread of its own, in order. A manual mode whose lease ends comes as a
    #: SET_MODE to AUTO.
    on_command: Optional[CommandHandler] = None
    #: What the device can be told, with ranges: other commands never reach `on_command`.
    capabilities: Optional[Capabilities] = None
    #: Keeps the token that the server hands over when it is rotated there: from then on the device comes with that one, and with `token` where it is
    #: refused. Default: `token.json` in the folder of the journal; with a journal in memory such tokens are not taken.
    token_store: Optional[TokenStore] = None
    #: Told to the server, and shown there.
    software_version: Optional[str] = None
    #: Told each change of `device.status`.
    on_status: Optional[Callable[[DeviceStatus], None]] = None
    #: Told what a person should know. Default: the logger `wattboard`.
    log: Callable[[Notice], None] = log_notice
    #: For a server with a certificate of its own making.
    tls: Optional[ssl.SSLContext] = None

    def __post_init__(self) -> None:
        env = os.environ.get
        set_ = object.__setattr__
        # A token read from a file, or a variable set by one, often ends in a newline.
        set_(self, "device_id", (self.device_id or env("DEVICE_ID", "")).strip())
        set_(self, "token", (self.token or env("API_TOKEN", "")).strip())
        set_(self, "url", (self.url or env("WATTBOARD_URL", "") or DEFAULT_URL).strip())
        problems = [*self._problems_of_identity(), *self._problems_of_numbers()]
        if not self._is_base_address():
            problems.append(
                "The url is not a base address such as https://wattboard.example.org: "
                "http, https, ws or wss, and no user, query or fragment."
            )
        if problems:
            raise DeviceConfigurationError(problems)

    @property
    def address(self) -> str:
        """Of the device's door."""
        url = urlsplit(self.url)
        path = url.path.rstrip("/")
        if not path.endswith(_DOOR + self.device_id):
            path += _DOOR + self.device_id
        return f"{url.scheme.replace('http', 'ws')}://{url.netloc}{path}"

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def sends_token_in_the_clear(self) -> bool:
        name = urlsplit(self.url).hostname or ""
        is_loopback = name in ("localhost", "::1") or name.startswith("127.")
        return self.address.startswith("ws:") and not is_loopback

    @property
    def journal_folder(self) -> Optional[Path]:
        """None: in memory."""
        if self.journal == IN_MEMORY:
            return None
        if self.journal is not None:
            return Path(self.journal)
        state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
        return Path(os.environ.get("WATTBOARD_JOURNALS") or os.path.join(state, "wattboard-device")) / self.device_id

    @property
    def kept_token(self) -> Optional[TokenStore]:
        folder = self.journal_folder
        return self.token_store if self.token_store is not None or folder is None else FileTokenStore(folder / "token.json")

    def _problems_of_identity(self) -> List[str]:
        problems: List[str] = []
        missing = [name for name, value in (("DEVICE_ID", self.device_id), ("API_TOKEN", self.token)) if not value]
        if missing:
            problems.append(
                f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing: set both in the environment, or pass "
                "device_id and token. `wattboard device add ID` on the server registers a device and prints its token, once."
            )
        if self.device_id and not _DEVICE_ID.fullmatch(self.device_id):
            problems.append(f"The device id {self.device_id!r} is not 1 to 64 of A-Z a-z 0-9 _ . -, first a letter or digit.")
        if not re.fullmatch(r"[\x20-\x7e]*", self.token):
            problems.append("The token holds characters that do not fit into a header: was it copied whole, and nothing else?")
        return problems

    def _problems_of_numbers(self) -> List[str]:
        problems: List[str] = []
        if not 0 < self.rate_hz <= MESSAGES_PER_SECOND:
            problems.append(f"rate_hz is {self.rate_hz}; it must be above 0, and at most {MESSAGES_PER_SECOND}.")
        if self.journal_bytes < BYTES_MIN:
            problems.append(f"journal_bytes is {self.journal_bytes}; it must be at least {BYTES_MIN}.")
        return problems

    def _is_base_address(self) -> bool:
        try:
            url = urlsplit(self.url)
            has_host = bool(url.hostname) and (url.port is None or url.port > 0)
        except ValueError:
            return False
        bare = not (url.username or url.password or url.query or url.fragment)
        return url.scheme in ("http", "https", "ws", "wss") and has_host and bare


def capabilities_of(options: Options, gives_commands: bool) -> Mapping[str, Any]:
    """What is announced: what was asked for, else what the EMS communication interface has where somebody takes commands."""
    if options.capabilities is not None:
        return options.capabilities
    if options.on_command is not None:
        return {"commands": {"SET_MODE": {"leases": True}, "RESET_ERROR": {}}}
    return {"commands": {"SET_MODE": {}, "RESET_ERROR": {}} if gives_commands else {}}
