"""What a device does with commands."""

from __future__ import annotations

import asyncio
import inspect
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Awaitable, Callable, Dict, List, Mapping, NamedTuple, Optional, Union

from .command import Capabilities, Command, unsupported_because
from .command_memory import FileCommandMemory, RememberedCommand
from .errors import CommandRejected
from .limits import NAME_LENGTH_MAX, TEXT_LENGTH_MAX

CommandHandler = Callable[[Command], Union[None, Awaitable[None]]]

#: Commands that are remembered; the oldest is forgotten. The server resends for a day at most, and has 16 open at once.
REMEMBERED_MAX = 256
#: A fall back to AUTO that failed is tried again after this.
LEASE_RETRY_S = 5.0


class InboxHooks(NamedTuple):
    #: Sends a frame; False where there is no link that takes it.
    send: Callable[[Mapping[str, Any]], bool]
    #: A command is carried out, for the first time.
    began: Callable[[], None]
    failed: Callable[[BaseException], None]
    lease_ended: Callable[[Command], None]


class CommandInbox:
    """Each `command_id` is carried out once, however often it comes; what comes after its deadline, or does not fit what was announced, is not; and a manual
    mode with a lease ends in AUTO unless a later SET_MODE comes in time.

    A handler that is no coroutine function runs on a thread of its own, one command after the other. `settles` False: nobody says when a command is done,
    so that it stays `accepted`.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        handler: Optional[CommandHandler],
        memory: Optional[FileCommandMemory],
        hooks: InboxHooks,
        settles: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capabilities = capabilities
        self._handler = handler
        self._memory = memory
        self._hooks = hooks
        self._settles = settles
        self._monotonic = monotonic
        self._thread = ThreadPoolExecutor(1, "wattboard-commands")
        #: Oldest first.
        self._remembered: Dict[str, RememberedCommand] = {}
        #: Results that no link took, in the order in which they came.
        self._untold: Dict[str, None] = {}
        self._deadline: Mapping[str, Any] = {}
        #: What to add to the monotonic clock to get the server's time, s; None where it has not said.
        self._server_ahead_s: Optional[float] = None
        self._lease: Optional[Command] = None
        self._lease_timer: Optional[asyncio.TimerHandle] = None
        self._modes_under_way = 0
        self._is_lease_overdue = False
        self._is_stopped = False
        self._tasks: "set[asyncio.Task[None]]" = set()
        for each in (memory.load() if memory else [])[-REMEMBERED_MAX:]:
            self._remembered[each.command_id] = each

    def linked(self) -> None:
        """A new link is up: what an earlier one did not take is told now."""
        self._deadline = {}
        untold: List[str] = list(self._untold)
        self._untold.clear()
        for command_id in untold:
            if command_id in self._remembered:
                self._tell(self._remembered[command_id])

    def welcome(self, server_time: str) -> None:
        server_s = _parse_time(server_time)
        if server_s is not None:
            self._server_ahead_s = server_s - self._monotonic()

    def deadline(self, frame: Mapping[str, Any]) -> None:
        self._deadline = frame

    def refuse(self, command_id: str, reason: str) -> None:
        """Says no to something that has an id but is no command."""
        self._tell(RememberedCommand(command_id, "rejected", _cut(reason)))

    def receive(self, command: Command) -> bool:
        """Gives whether the command was new."""
        known = self._remembered.get(command["command_id"])
        if known is not None:
            self._tell(known)
            return False
        reason = self._describe_refusal(command)
        if reason is not None:
            self._settle(command["command_id"], "rejected", reason)
        else:
            self._carry_out(command)
        return True

    def stop(self) -> None:
        self._is_stopped = True
        self._end_lease()
        self._thread.shutdown(wait=False)
        for task in self._tasks:
            task.cancel()

    def _describe_refusal(self, command: Command) -> Optional[str]:
        expires_s = None
        if self._deadline.get("command_id") == command["command_id"]:
            expires_s = _parse_time(self._deadline["expires_at"])
        if expires_s is not None and self._server_ahead_s is not None:
            if self._monotonic() + self._server_ahead_s >= expires_s:
                return "It came after its time to live."
        if self._handler is None:
            return "This device takes no commands."
        return unsupported_because(command, self._capabilities)

    def _carry_out(self, command: Command) -> None:
        command_id = command["command_id"]
        try:
            # Before anything happens: a crash in between must not lead to a second time.
            self._remember(RememberedCommand(command_id, "accepted"))
        except OSError as error:
            del self._remembered[command_id]
            self._hooks.failed(error)
            self._tell(RememberedCommand(command_id, "failed", "The device cannot remember commands just now, and took none."))
            return
        self._hooks.began()
        self._tell(RememberedCommand(command_id, "accepted"))
        if command["action"] == "SET_MODE":
            self._modes_under_way += 1
        self._start(self._see_through(command, self._monotonic()))

    async def _see_through(self, command: Command, received_s: float) -> None:
        error: Optional[Exception] = None
        try:
            await self._handle(command)
        except Exception as raised:
            error = raised
        if command["action"] == "SET_MODE":
            self._mode_settled(command, error is None, received_s)
        if error is not None:
            status = "rejected" if isinstance(error, CommandRejected) else "failed"
            self._settle(command["command_id"], status, str(error) or type(error).__name__)
            self._hooks.failed(error)
        elif self._settles:
            self._settle(command["command_id"], "applied")

    async def _handle(self, command: Command) -> None:
        handler = self._handler
        assert handler is not None
        if inspect.iscoroutinefunction(handler):
            await handler(command)
            return
        done = await asyncio.get_running_loop().run_in_executor(self._thread, handler, command)
        if inspect.isawaitable(done):
            await done

    def _settle(self, command_id: str, status: str, reason: Optional[str] = None) -> None:
        settled = RememberedCommand(command_id, status, None if reason is None else _cut(reason))
        try:
            self._remember(settled)
        except OSError as error:
            # It stays remembered as begun, which is enough for it not to be done again.
            self._hooks.failed(error)
        self._tell(settled)

    def _remember(self, command: RememberedCommand) -> None:
        self._remembered.pop(command.command_id, None)
        self._remembered[command.command_id] = command
        while len(self._remembered) > REMEMBERED_MAX:
            oldest = next(iter(self._remembered))
            del self._remembered[oldest]
            self._untold.pop(oldest, None)
        if self._memory is not None:
            self._memory.save(list(self._remembered.values()))

    def _tell(self, command: RememberedCommand) -> None:
        result = {"type": "command_result", "command_id": command.command_id, "status": command.status}
        if command.reason is not None:
            result["reason"] = command.reason
        if not self._hooks.send(result) and command.command_id in self._remembered:
            self._untold[command.command_id] = None

    # Leases

    def _mode_settled(self, command: Command, is_done: bool, received_s: float) -> None:
        self._modes_under_way -= 1
        if is_done:
            self._end_lease()
            lease_ms = command["payload"].get("lease_ms")
            if lease_ms is not None:
                self._begin_lease(command, lease_ms / 1000 - (self._monotonic() - received_s))
        if self._is_lease_overdue and self._modes_under_way == 0:
            self._on_lease_end()

    def _begin_lease(self, command: Command, left_s: float) -> None:
        if not self._is_stopped:
            self._lease = command
            self._lease_timer = asyncio.get_running_loop().call_later(max(0.0, left_s), self._on_lease_end)

    def _end_lease(self) -> None:
        if self._lease_timer is not None:
            self._lease_timer.cancel()
        self._lease, self._lease_timer, self._is_lease_overdue = None, None, False

    def _on_lease_end(self) -> None:
        lease = self._lease
        if lease is None or self._is_stopped:
            return
        # A SET_MODE that is being carried out may take the lease's place; where it fails, the lease ends then.
        self._is_lease_overdue = self._modes_under_way > 0
        if not self._is_lease_overdue:
            self._end_lease()
            self._hooks.lease_ended(lease)
            self._start(self._fall_back(lease))

    async def _fall_back(self, lease: Command) -> None:
        command_id = f"{lease['command_id']}:lease"[-NAME_LENGTH_MAX:]
        try:
            await self._handle({"command_id": command_id, "action": "SET_MODE", "payload": {"target_mode": "AUTO"}})
        except Exception as error:
            self._hooks.failed(error)
            # A later SET_MODE that came meanwhile has settled it.
            if self._lease is None and self._modes_under_way == 0:
                self._begin_lease(lease, LEASE_RETRY_S)

    def _start(self, doing: "Any") -> None:
        task = asyncio.get_running_loop().create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _parse_time(text: str) -> Optional[float]:
    """RFC 3339 in seconds since 1970; None where it cannot be read. Python before 3.11 knows no Z."""
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except (ValueError, AttributeError):
        return None


def _cut(reason: str) -> str:
    return reason if len(reason) <= TEXT_LENGTH_MAX else reason[: TEXT_LENGTH_MAX - 1] + "…"
