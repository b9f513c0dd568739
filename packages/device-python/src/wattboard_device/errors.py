"""What the package raises."""

from __future__ import annotations

from typing import Sequence


class DeviceConfigurationError(ValueError):
    """The options do not make a device. Raised before anything is connected; `problems` has one sentence for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


class JournalInUse(DeviceConfigurationError):
    """Another process, or another device of this one, has the journal open."""


class CommandRejected(Exception):
    """Raised by `on_command` where the device will not or cannot do it: told as `rejected`, any other error as `failed`."""
