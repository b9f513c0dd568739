"""Tells what a person should know."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Callable, Dict, Optional

#: A notice that could come with every sample comes at most once in this time.
_EVERY_S = 10.0
_LOGGER = logging.getLogger("wattboard")


@dataclass(frozen=True)
class Notice:
    device_id: str
    #: info, warning, error
    level: str
    #: Such as `outage`, `refused`, `sample_too_big`.
    code: str
    message: str
    #: What was raised, where something was.
    error: Optional[BaseException] = None


def log_notice(notice: Notice) -> None:
    """To the logger `wattboard`; without any set up, Python prints warnings and errors on stderr."""
    level = {"info": logging.INFO, "warning": logging.WARNING}.get(notice.level, logging.ERROR)
    _LOGGER.log(level, "wattboard %s: %s", notice.device_id, notice.message, exc_info=notice.error)


class Notices:
    def __init__(self, device_id: str, log: Callable[[Notice], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._device_id = device_id
        self._log = log
        self._monotonic = monotonic
        self._told_s: Dict[str, float] = {}

    def tell(self, level: str, code: str, message: str, error: Optional[BaseException] = None) -> None:
        try:
            self._log(Notice(self._device_id, level, code, message, error))
        except Exception:
            pass  # A log that fails has nowhere to be told, and must not take the device down.

    def tell_sometimes(self, level: str, code: str, message: str, error: Optional[BaseException] = None) -> None:
        """For what could come with every sample."""
        now_s = self._monotonic()
        if now_s - self._told_s.get(code, float("-inf")) >= _EVERY_S:
            self._told_s[code] = now_s
            self.tell(level, code, message, error)
