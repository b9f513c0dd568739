"""Connects an energy device to Wattboard: telemetry out and nothing of it lost, commands in, reconnects for ever."""

from .async_device import AsyncDevice, connect
from .command import Capabilities, Command
from .command_inbox import CommandHandler
from .counters import Counters
from .credentials import FileTokenStore, TokenStore
from .device import Device
from .errors import CommandRejected, DeviceConfigurationError, JournalInUse
from .link import DeviceStatus
from .notices import Notice
from .options import IN_MEMORY, Options
from .outage import Outage
from .peer_inbox import PeerHandlers, PeerSample
from .sample import Sample

__all__ = [
    "IN_MEMORY",
    "AsyncDevice",
    "Capabilities",
    "Command",
    "CommandHandler",
    "CommandRejected",
    "Counters",
    "Device",
    "DeviceConfigurationError",
    "DeviceStatus",
    "FileTokenStore",
    "JournalInUse",
    "Notice",
    "Options",
    "Outage",
    "PeerHandlers",
    "PeerSample",
    "Sample",
    "TokenStore",
    "connect",
]
__version__ = "0.2.0.dev0"
