"""Keeps one connection to the server up: tries again for ever, and ends one that has gone silent."""

from __future__ import annotations

import asyncio
import collections
import ssl
import time
from dataclasses import dataclass
from typing import Any, Awaitable, Callable, Deque, List, Optional, Union

from .notices import Notices
from .outage import Outage, outage_of_answer, outage_of_close, retry_delay_s
from .socket import HandshakeRefused, Socket, open_socket

#: A link on which nothing came for so long, not even an answer to our pings, is cut.
SILENCE_S_MAX = 60.0
#: A link that was up for as long as this ends the backoff.
STABLE_S = 60.0
#: With more than this waiting for the network, the link takes no more samples.
WAITING_BYTES_MAX = 256 * 1024


@dataclass(frozen=True)
class DeviceStatus:
    #: connecting, online, waiting (for the next try), stopped
    state: str
    #: Why there is no link, while waiting.
    outage: Optional[Outage] = None
    retry_in_s: Optional[float] = None


@dataclass(frozen=True)
class LinkHooks:
    #: Told each change of the status.
    became: Callable[[DeviceStatus], None]
    #: There is a new link; its status has been told.
    opened: Callable[[], None]
    #: A frame of the server; bytes where it is binary.
    received: Callable[[Union[str, bytes]], None]
    #: The token was refused; gives whether there is another to be tried.
    refused: Callable[[], bool]
    #: The link that was opened is gone.
    closed: Callable[[], None]


class Link:
    def __init__(
        self,
        host: str,
        device_id: str,
        address: str,
        token: Callable[[], str],
        tls: Optional[ssl.SSLContext],
        random: Callable[[], float],
        notices: Notices,
        hooks: LinkHooks,
        silence_s_max: float = SILENCE_S_MAX,
    ) -> None:
        self._host, self._device_id = host, device_id
        self._address, self._token, self._tls = address, token, tls
        self._random = random
        self._notices = notices
        self._hooks = hooks
        self._silence_s_max = silence_s_max
        self._socket: Optional[Socket] = None
        #: Frames for the network, oldest first; bounded by who asks `is_congested` first.
        self._waiting: Deque[str] = collections.deque()
        self._waiting_bytes = 0
        self._to_write = asyncio.Event()
        self.heard_s = 0.0
        self.status = DeviceStatus("connecting")
        #: Set before `run` is cancelled, since what it waits for may lose that.
        self.is_stopping = False

    @property
    def is_open(self) -> bool:
        return self._socket is not None

    @property
    def speaks_subprotocol(self) -> bool:
        return self._socket is not None and self._socket.speaks_subprotocol

    def is_congested(self, bytes_max: int = WAITING_BYTES_MAX) -> bool:
        return self._waiting_bytes > bytes_max

    def send(self, text: str) -> bool:
        """Hands a frame over, and never waits; False where there is no link."""
        if self._socket is None:
            return False
        self._waiting.append(text)
        self._waiting_bytes += len(text)
        self._to_write.set()
        return True

    async def run(self) -> None:
        """Until it is cancelled; closes the link then (1000)."""
        failures = 0
        while True:
            self._become(DeviceStatus("connecting"))
            outage, up_s = await self._connect()
            if self.is_stopping:
                return
            failures = 0 if up_s >= STABLE_S else failures
            retry_in_s = retry_delay_s(outage, failures, self._random)
            failures += 1
            level = "error" if outage.code in ("forbidden", "unexpected_answer") else "warning"
            self._notices.tell(level, "outage", f"{outage.message} Next try in {round(retry_in_s)} s.")
            self._become(DeviceStatus("waiting", outage, retry_in_s))
            await asyncio.sleep(retry_in_s)

    async def _connect(self) -> "tuple[Outage, float]":
        """One link from its handshake to its end: why it ended, and how many seconds it was up."""
        try:
            socket = await open_socket(self._address, self._token(), self._tls)
        except HandshakeRefused as refused:
            outage = outage_of_answer(self._host, self._device_id, refused.status, refused.retry_after)
            if outage.code == "forbidden" and self._hooks.refused():
                message = f"{self._host} refused the token (HTTP {refused.status}): the other one is tried."
                outage = Outage("closed", message, reconnect="soon")
            return outage, 0.0
        except asyncio.TimeoutError:
            return Outage("unreachable", "No answer in 20 s."), 0.0
        except Exception as error:
            return Outage("unreachable", f"{self._host}: {error or type(error).__name__}."), 0.0
        opened_s = self.heard_s = time.monotonic()
        self._waiting.clear()
        self._waiting_bytes = 0
        self._socket = socket
        self._notices.tell("info", "online", f"Connected to {self._host}.")
        self._become(DeviceStatus("online"))
        self._hooks.opened()
        try:
            outage = await self._run_socket(socket)
        finally:
            self._socket = None
            self._hooks.closed()
            await asyncio.shield(socket.close(1000, "stopped"))
        return outage, time.monotonic() - opened_s

    async def _run_socket(self, socket: Socket) -> Outage:
        silence = asyncio.ensure_future(self._end_silence(socket))
        tasks: List["asyncio.Future[Any]"] = [silence, *map(asyncio.ensure_future, (self._read(socket), self._write(socket)))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if silence.done():
                socket.cut()
                return Outage("silent", f"Nothing heard from the server for {round(self._silence_s_max)} s.")
            # The reader ends last: it has the reason.
            await asyncio.wait(tasks[1:2], timeout=1)
            return outage_of_close(socket.close_code, socket.close_reason)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, socket: Socket) -> None:
        while True:
            frame = await socket.receive()
            if frame is None:
                return
            self.heard_s = time.monotonic()
            self._hooks.received(frame)

    async def _write(self, socket: Socket) -> None:
        while True:
            while self._waiting:
                text = self._waiting.popleft()
                await socket.send(text)
                self._waiting_bytes -= len(text)
            self._to_write.clear()
            await self._to_write.wait()

    async def _end_silence(self, socket: Socket) -> None:
        """Returns when the server has been silent for too long. It is asked for a sign of life three times in that time."""
        while True:
            left_s = self.heard_s + self._silence_s_max - time.monotonic()
            if left_s <= 0:
                return
            asking = asyncio.ensure_future(self._ask(socket))
            await asyncio.sleep(min(left_s, self._silence_s_max / 3) + 0.001)
            asking.cancel()

    async def _ask(self, socket: Socket) -> None:
        answered: Awaitable[Any] = await socket.ping()
        await answered
        self.heard_s = time.monotonic()

    def _become(self, status: DeviceStatus) -> None:
        self.status = status
        self._hooks.became(status)
