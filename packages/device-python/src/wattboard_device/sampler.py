"""Calls the author's `read` at an even pace."""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import Any, Callable, Optional

from .counters import Counters
from .notices import Notices


class Sampler:
    """Reads at once, and then in each period, whether there is a link or not, until `run` is cancelled. A slow `read` is not called again meanwhile."""

    def __init__(
        self, read: Callable[[], Any], period_s: float, send: Callable[[Any], object], counters: Counters, notices: Notices
    ) -> None:
        self._read = read
        self._period_s = period_s
        self._send = send
        self._counters = counters
        self._notices = notices

    async def run(self) -> None:
        reading: "Optional[asyncio.Task[None]]" = None
        due_s = time.monotonic()
        try:
            while True:
                if reading is not None and not reading.done():
                    self._counters.skipped_reading += 1
                    message = "The last read has not finished; this one is left out."
                    self._notices.tell_sometimes("warning", "read_slow", message)
                else:
                    reading = asyncio.get_running_loop().create_task(self._read_once())
                # Anchored to the due time, so that the rate does not drift; a process that slept does not catch up.
                due_s = max(due_s + self._period_s, time.monotonic())
                await asyncio.sleep(due_s - time.monotonic())
        finally:
            if reading is not None:
                reading.cancel()

    async def _read_once(self) -> None:
        try:
            if inspect.iscoroutinefunction(self._read):
                sample = await self._read()
            else:
                sample = await asyncio.get_running_loop().run_in_executor(None, self._read)
            if sample is not None:
                self._send(sample)
        except Exception as error:
            self._counters.read_failures += 1
            self._notices.tell_sometimes("error", "read_failed", "read failed; nothing was sent.", error)
