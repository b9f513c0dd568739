"""A device for programs that run on asyncio."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from datetime import datetime, timezone
from typing import Any, Callable, List, Mapping, Optional, Union

from .command import Command
from .command_inbox import CommandInbox, InboxHooks
from .command_memory import FileCommandMemory
from .counters import Counters
from .credentials import Credentials
from .delivery import Delivery, number
from .errors import CommandRejected
from .journal import Journal, Loss
from .limits import FRAME_BYTES_MAX, TEXT_LENGTH_MAX
from .link import DeviceStatus, Link, LinkHooks
from .notices import Notices
from .options import Options, capabilities_of
from .peer_inbox import PeerHandlers, PeerInbox
from .sample import Sample, message_of
from .sampler import Sampler
from .server_frame import ServerFrame, is_pace, is_seq, read_ranges, read_server_frame
from .socket import CLOSE_S_MAX

#: So that it fits into a frame of backfill, with its number, as well.
SAMPLE_BYTES_MAX = FRAME_BYTES_MAX - 64
#: Samples that other threads have sent and the loop has not seen; what is above goes later, as backfill.
_COMING_MAX = 256
#: Commands that wait for `recv`; one more is rejected.
_COMMANDS_WAITING_MAX = 16
#: How long a stop waits for the server to store what is in memory alone.
_LAST_S_MAX = 3.0
#: Backfill waits while so much waits for the network.
_BACKFILL_WAITING_BYTES_MAX = 32 * 1024


class AsyncDevice:
    """One device and its link to Wattboard, which it keeps up from `start` to `stop`; `connect` makes one.

    Everything belongs to the loop that called `start`, but `send_now`, `status` and `counters`, which any thread may use.
    """

    def __init__(self, options: Options, gives_commands: bool = True) -> None:
        self.options = options
        self.device_id = options.device_id
        self.counters = Counters()
        self.status = DeviceStatus("connecting")
        self.notices = Notices(options.device_id, options.log)
        self._gives_commands = gives_commands and options.on_command is None
        self._capabilities = capabilities_of(options, self._gives_commands)
        self._coming = 0
        self._state = "new"
        self._tasks: List["asyncio.Task[None]"] = []
        self._peers = PeerInbox(
            lambda is_wanted: self._send_frame({"type": "peers", "subscribe": is_wanted}),
            lambda reason: self.notices.tell_sometimes(
                "warning", "peers_refused", f"No samples of other devices: {reason}"
            ),
            lambda handler, error: self.notices.tell_sometimes("error", "callback_failed", f"{handler} failed.", error),
        )

    # For the author

    async def __aenter__(self) -> "AsyncDevice":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def send(self, sample: Sample) -> bool:
        """Keeps a sample until the server has it, and sends it if there is a link; never waits for the network. False where it is too big. Raises TypeError
        or ValueError for what is no sample.
        """
        return self.send_now(sample)

    async def recv(self) -> str:
        """The next command, a JSON text; waits for it, across links. Only without `on_command`."""
        return json.dumps(await self._queue.get(), separators=(",", ":"))

    def __aiter__(self) -> "AsyncDevice":
        return self

    async def __anext__(self) -> str:
        return await self.recv()

    async def flush(self, timeout_s: float = 10.0) -> bool:
        """Waits until the server has stored all that was sent, and tells whether it has."""
        until_s = time.monotonic() + timeout_s
        while not self._delivery.is_settled:
            self._acked.clear()
            try:
                await asyncio.wait_for(self._acked.wait(), until_s - time.monotonic())
            except asyncio.TimeoutError:
                return self._delivery.is_settled
        return True

    def subscribe_peers(self, handlers: PeerHandlers) -> Callable[[], None]:
        """Begins to get the samples of other devices, and goes on after each reconnect; gives what ends it. Whose they are is the server's choice."""
        return self._peers.subscribe(handlers)

    async def start(self) -> None:
        """Opens the journal and begins to connect. Raises DeviceConfigurationError for a journal that cannot be used."""
        options = self.options
        if options.sends_token_in_the_clear:
            message = f"The token goes to {options.host} in the clear: use https or wss."
            self.notices.tell("warning", "plain_text_token", message)
        self._loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        folder = options.journal_folder
        self.journal = Journal(folder, options.journal_bytes, self.device_id, self._on_journal)
        self._delivery = Delivery(self.journal, self._on_loss)
        self._wake, self._acked = asyncio.Event(), asyncio.Event()
        self._queue: "asyncio.Queue[Command]" = asyncio.Queue(_COMMANDS_WAITING_MAX)
        self._commands = CommandInbox(
            self._capabilities,
            self._put_command if self._gives_commands else options.on_command,
            None if folder is None else FileCommandMemory(folder / "commands.json"),
            InboxHooks(self._send_frame, self._on_command_began, self._on_command_failed, self._on_lease_ended),
            settles=not self._gives_commands,
        )
        self._credentials = Credentials(options.token, options.address, options.kept_token)
        hooks = LinkHooks(self._on_status, self._on_opened, self._on_received, self._credentials.refused, self._wake.set)
        self._link = Link(
            options.host, self.device_id, options.address, lambda: self._credentials.token, options.tls, random.random, self.notices, hooks
        )
        work = [self._link.run(), self._backfill(), self._keep()]
        if options.read is not None:
            work.append(Sampler(options.read, 1 / options.rate_hz, self.send_now, self.counters, self.notices).run())
        self._tasks = [self._loop.create_task(each) for each in work]
        for task in self._tasks:
            task.add_done_callback(self._on_task_ended)
        self._state = "started"

    async def stop(self) -> None:
        """Closes the link (1000) and the journal. What the server has not acknowledged goes with the next start."""
        if self._state != "started":
            return
        if not self.journal.is_durable and self._link.is_open:
            await self.flush(_LAST_S_MAX)
        self._state = "stopped"
        self._commands.stop()
        await self._end_tasks()
        await self._loop.run_in_executor(None, self.journal.close)
        self._on_status(DeviceStatus("stopped"))

    def send_now(self, sample: Sample) -> bool:
        """`send`, from any thread. False after `stop` as well; raises RuntimeError before `start`."""
        if self._state != "started":
            if self._state == "new":
                raise RuntimeError("The device is not started: use `with`, `async with` or `start`.")
            return False
        text = message_of(self.device_id, sample)
        if len(text) > SAMPLE_BYTES_MAX:
            self.counters.skipped_too_big += 1
            message = f"A sample has more than {SAMPLE_BYTES_MAX} bytes; dropped."
            self.notices.tell_sometimes("error", "sample_too_big", message)
            return False
        is_ours = threading.get_ident() == self._thread_id
        if self._link.is_open and not self._numbers():
            # The server does not acknowledge anything: it is sent now or never.
            return self._send_plain(text) if is_ours else bool(self._loop.call_soon_threadsafe(self._send_plain, text))
        seq = self.journal.append(text)
        self.counters.kept += 1
        if is_ours:
            self._go_live(seq, text)
        elif self._coming < _COMING_MAX:
            self._coming += 1
            self._loop.call_soon_threadsafe(self._came, seq, text)
        return True

    # Samples

    def _came(self, seq: int, text: str) -> None:
        self._coming -= 1
        self._go_live(seq, text)

    def _numbers(self) -> bool:
        return self._link.speaks_subprotocol and self._delivery.numbers(self._link.heard_s)

    def _send_plain(self, text: str) -> bool:
        was_sent = not self._link.is_congested() and self._link.send(text)
        self.counters.sent += was_sent
        return was_sent

    def _go_live(self, seq: int, text: str) -> None:
        link = self._link
        if not (link.is_open and self._numbers()):
            return
        numbered = number(seq, text)
        fits = len(numbered) <= self._delivery.frame_bytes_max and not link.is_congested()
        was_sent = fits and self.journal.may_go_live(seq) and link.send(numbered)
        self.counters.sent += was_sent
        self._delivery.live(seq, was_sent, time.monotonic())
        self._wake.set()

    async def _backfill(self) -> None:
        """Sends what is old beside what is new, at the server's pace."""
        while self._state == "started":
            wait_s: Optional[float] = None
            self._wake.clear()
            if self._link.is_congested(_BACKFILL_WAITING_BYTES_MAX):
                wait_s = 0.05
            elif self._link.is_open:
                frame, wait_s = self._delivery.next_frame(time.monotonic())
                if frame is not None:
                    self._link.send(frame)
                    self.counters.backfilled += frame.count('{"seq":')
                    continue
            try:
                await asyncio.wait_for(self._wake.wait(), wait_s)
            except asyncio.TimeoutError:
                pass

    async def _keep(self) -> None:
        """Once a second: the journal to the disk, and what was not acknowledged for too long."""
        while True:
            await asyncio.sleep(1)
            if self._link.is_open:
                self._delivery.tick(time.monotonic())
                self._wake.set()
            await self._loop.run_in_executor(None, self.journal.sync)

    # The link

    def _send_frame(self, frame: Mapping[str, Any]) -> bool:
        link = getattr(self, "_link", None)
        return link is not None and link.speaks_subprotocol and link.send(json.dumps(frame, separators=(",", ":")))

    def _on_opened(self) -> None:
        self._credentials.accepted()
        self._delivery.opened(time.monotonic())
        journal = {"id": self.journal.id, "first_seq": self.journal.first_seq, "last_seq": self.journal.last_seq}
        version = self.options.software_version and self.options.software_version[:TEXT_LENGTH_MAX]
        hello = {
            "type": "hello",
            **self._capabilities,
            "journal": journal,
            **({"takes_tokens": True} if self._credentials.takes_tokens else {}),
            **({} if version is None else {"software_version": version}),
            "device_time": datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if self._send_frame(hello):
            self._commands.linked()
        self._peers.linked()

    def _on_received(self, text: Union[str, bytes]) -> None:
        frame = read_server_frame(text)
        body = frame.body
        if frame.type == "command":
            self._on_command(body)
        elif frame.type == "welcome":
            self._on_welcome(body)
        elif frame.type == "ack":
            self._delivery.ack(body["seq"], read_ranges(body.get("ranges")) or [], time.monotonic())
            self._acked.set()
            self._wake.set()
        elif frame.type == "pace":
            self._delivery.pace(body["backfill"])
            self._wake.set()
        elif frame.type == "deadline":
            self._commands.deadline(body)
        elif frame.type == "peer":
            self.counters.peer_samples += 1
            self._peers.sample(body["telemetry"])
        elif frame.type == "peers":
            self._peers.peers(body)
        elif frame.type == "token":
            taking = self._loop.create_task(self._take_token(body))
            self._tasks = [*(task for task in self._tasks if not task.done()), taking]
        elif frame.type == "refused":
            self._on_refused(body)
        elif frame.type == "malformed":
            self._on_malformed(frame)

    def _on_welcome(self, body: Mapping[str, Any]) -> None:
        self._commands.welcome(body["server_time"])
        if body.get("journal_id") != self.journal.id:
            return
        ranges = read_ranges(body.get("durable_ranges"))
        epoch: Any = body.get("epoch")
        durable_seq: Any = body.get("durable_seq", 0)
        pace, limits = body.get("pace") or {}, body.get("limits") or {}
        if ranges is None or not is_seq(durable_seq) or not isinstance(epoch, int) or not isinstance(pace, dict) or not isinstance(limits, dict):
            return
        speed, frame_bytes = pace.get("backfill", 0), limits.get("frame_bytes", FRAME_BYTES_MAX)
        if not is_pace(speed) or not is_seq(frame_bytes):
            return
        if not self._delivery.welcome(epoch, durable_seq, ranges, speed, frame_bytes):
            message = "The server has newer samples of this journal than the device: was its disk restored? It goes on behind them."
            self.notices.tell("error", "journal_behind", message)
        self._acked.set()
        self._wake.set()

    async def _take_token(self, body: Mapping[str, Any]) -> None:
        if not self._credentials.takes_tokens:
            return
        token: str = body["token"]
        try:
            await self._loop.run_in_executor(None, self._credentials.save, token)
        except Exception as error:
            message = "The server has sent a new token, which cannot be stored: the present one is gone on with."
            self.notices.tell("error", "token_not_stored", message, error)
            return
        self._credentials.use(token)
        self._send_frame({"type": "token_stored", "token_id": body["token_id"]})
        self.notices.tell("info", "token_stored", "The server has sent a new token: it is stored, and used from now on.")

    def _on_refused(self, body: Mapping[str, Any]) -> None:
        # The server tells each code at most every 10 s.
        self.counters.refused += body["count"]
        what = "a sample" if body["count"] == 1 else f"{body['count']} samples"
        message = f"The server did not take {what} as it came ({body.get('code')}): {body['message']}"
        self.notices.tell("warning", "refused", message)

    def _on_malformed(self, frame: ServerFrame) -> None:
        self.counters.malformed_frames += 1
        message = f"A frame from the server is not a command: {frame.why}."
        self.notices.tell_sometimes("warning", "malformed_frame", message)
        command_id = frame.body.get("command_id")
        if isinstance(command_id, str):
            self._commands.refuse(command_id, f"This device does not know such a command: {frame.why}.")

    # Commands

    def _on_command(self, command: Command) -> None:
        if self.options.on_command is None and not self._gives_commands:
            message = f"{command['action']} {command['command_id']} came; there is no on_command."
            self.notices.tell("warning", "command_unhandled", message)
        self._commands.receive(command)

    async def _put_command(self, command: Command) -> None:
        try:
            self._queue.put_nowait(command)
        except asyncio.QueueFull:
            raise CommandRejected(f"{_COMMANDS_WAITING_MAX} commands wait to be read.") from None

    def _on_command_began(self) -> None:
        self.counters.commands += 1

    def _on_command_failed(self, error: BaseException) -> None:
        self.counters.command_failures += 1
        self.notices.tell("error", "command_failed", "on_command failed.", error)

    def _on_lease_ended(self, command: Command) -> None:
        message = f"The lease of {command['command_id']} has ended: back to AUTO."
        self.notices.tell("warning", "lease_ended", message)

    async def _end_tasks(self) -> None:
        self._link.is_stopping = True
        # Before Python 3.12 `wait_for` can lose a cancellation, in our code as in that of `websockets`: then once more, when a closing has had its time.
        pending = {task for task in self._tasks if not task.done()}
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=CLOSE_S_MAX + 1)

    # What is told

    def _on_task_ended(self, task: "asyncio.Task[None]") -> None:
        """None ends by itself: what it raised is a fault of ours, which must not pass unseen."""
        if not task.cancelled() and self._state == "started":
            self.notices.tell("error", "failed", "The device has stopped working; start it anew.", task.exception())

    def _on_status(self, status: DeviceStatus) -> None:
        self.status = status
        self.counters.links += status.state == "online"
        try:
            if self.options.on_status is not None:
                self.options.on_status(status)
        except Exception as error:
            self.notices.tell("error", "callback_failed", "on_status failed.", error)

    def _on_journal(self, code: str, message: str) -> None:
        self.notices.tell_sometimes("error" if code != "journal_recovered" else "info", code, message)

    def _on_loss(self, loss: Loss) -> None:
        self.counters.lost += loss.last - loss.first + 1
        message = f"Samples {loss.first} to {loss.last} of the journal will not come ({loss.reason})."
        self.notices.tell_sometimes("error", "samples_lost", message)


def connect(device_id: str = "", token: str = "", url: str = "", **options: Any) -> AsyncDevice:
    """A device for `async with`; what is left out comes from the environment, and `options` are those of `Options`. Raises DeviceConfigurationError."""
    return AsyncDevice(Options(device_id, token, url, **options))
