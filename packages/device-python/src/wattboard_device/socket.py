"""One WebSocket to the device door, by any `websockets` from 10.4 on."""

from __future__ import annotations

import asyncio
import inspect
import ssl
from typing import Any, Optional, Union

import websockets

from .limits import SUBPROTOCOL

#: From the start of a try to the open link: name look-up, TCP, TLS and the server's answer.
HANDSHAKE_S_MAX = 20.0
#: How long the server has to answer our close before the connection is cut.
CLOSE_S_MAX = 2.0
#: A command is some hundred bytes; a frame above this ends the link.
_FRAME_BYTES_MAX = 64 * 1024


class HandshakeRefused(Exception):
    """The handshake was answered with an HTTP status, and not with a connection."""

    def __init__(self, status: int, retry_after: Optional[str]) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after


class Socket:
    """An open connection: text frames both ways."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        #: Whether the server answered in the subprotocol `wattboard.v1`.
        self.speaks_subprotocol = connection.subprotocol == SUBPROTOCOL

    async def send(self, text: str) -> None:
        """Waits while the network takes no more."""
        await self._connection.send(text)

    async def receive(self) -> Union[str, bytes, None]:
        """The next frame; None once the connection has ended."""
        try:
            frame: Union[str, bytes] = await self._connection.recv()
            return frame
        except websockets.exceptions.ConnectionClosed:
            return None

    async def ping(self) -> "asyncio.Future[Any]":
        """What it gives is done when the server has answered."""
        answered: "asyncio.Future[Any]" = asyncio.ensure_future(await self._connection.ping())
        return answered

    async def close(self, code: int, reason: str) -> None:
        """Ends it in order, or at once where the server does not answer in time."""
        try:
            await asyncio.wait_for(self._connection.close(code, reason), CLOSE_S_MAX)
        except Exception:
            pass
        self.cut()

    def cut(self) -> None:
        self._connection.transport.abort()

    @property
    def close_code(self) -> int:
        return self._connection.close_code or 1006

    @property
    def close_reason(self) -> str:
        return self._connection.close_reason or ""


async def open_socket(address: str, token: str, tls: Optional[ssl.SSLContext] = None) -> Socket:
    """Raises HandshakeRefused, and OSError, asyncio.TimeoutError or one of `websockets` for what is no answer at all."""
    # `extra_headers` was renamed with the new asyncio client, which versions from 14 on give.
    is_new = "additional_headers" in inspect.signature(websockets.connect).parameters
    headers = {"Authorization": f"Bearer {token}"}
    connecting: Any = websockets.connect(
        address,
        **{"additional_headers" if is_new else "extra_headers": headers},  # type: ignore[arg-type,unused-ignore]
        subprotocols=[SUBPROTOCOL],  # type: ignore[list-item,unused-ignore]
        compression=None,
        max_size=_FRAME_BYTES_MAX,
        open_timeout=HANDSHAKE_S_MAX,
        close_timeout=CLOSE_S_MAX,
        # The link listens for silence by itself.
        ping_interval=None,
        **({"ssl": tls} if tls is not None else {}),  # type: ignore[arg-type,unused-ignore]
    )
    _forbid_redirects(connecting)
    try:
        return Socket(await connecting)
    except HandshakeRefused:
        raise
    except Exception as error:
        # InvalidStatus, and up to 13 InvalidStatusCode.
        answer = getattr(error, "response", error)
        status = getattr(answer, "status_code", None)
        if status is None:
            raise
        headers_got: Any = getattr(answer, "headers", {})
        raise HandshakeRefused(status, headers_got.get("Retry-After")) from None


def _forbid_redirects(connecting: Any) -> None:
    """A redirect would carry the token to somebody else."""
    if hasattr(connecting, "process_redirect"):
        connecting.process_redirect = lambda error: error
    else:

        def refuse(uri: str) -> None:
            raise HandshakeRefused(302, None)

        connecting.handle_redirect = refuse
