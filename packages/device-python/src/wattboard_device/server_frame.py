"""What the server says in one frame."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

from .command import why_no_command
from .limits import DURABLE_RANGES_MAX, SEQ_MAX
from .ranges import Range


class ServerFrame(NamedTuple):
    #: command, peer, peers, welcome, deadline, refused, ack, pace, token; unknown (for later versions); malformed.
    type: str
    body: Dict[str, Any]
    #: What is wrong with a malformed one, in words.
    why: str = ""


_UNKNOWN = ServerFrame("unknown", {})


def read_server_frame(text: Union[str, bytes]) -> ServerFrame:
    """Reads a frame of the device door; bytes where it was binary."""
    if not isinstance(text, str):
        return ServerFrame("malformed", {}, "it is binary")
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return ServerFrame("malformed", {}, "it is not a JSON text")
    why = why_no_command(frame)
    if why is None:
        return ServerFrame("command", frame)
    kind = frame.get("type") if isinstance(frame, dict) else None
    if not isinstance(kind, str):
        return ServerFrame("malformed", frame if isinstance(frame, dict) else {}, why)
    return ServerFrame(kind, frame) if _is_whole(kind, frame) else _UNKNOWN


def read_ranges(value: Any) -> Optional[List[Range]]:
    """`[[from, to], …]`, ascending; None where it is something else."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > DURABLE_RANGES_MAX:
        return None
    ranges: List[Tuple[int, int]] = []
    for each in value:
        if not (isinstance(each, list) and len(each) == 2 and is_seq(each[0]) and is_seq(each[1]) and each[0] <= each[1]):
            return None
        ranges.append((each[0], each[1]))
    return ranges


def is_seq(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= SEQ_MAX


def is_pace(value: Any) -> bool:
    # Neither NaN nor infinity, which Python's JSON knows.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e9


def _is_whole(kind: str, frame: Dict[str, Any]) -> bool:
    """Whether the frame has what its kind must have; a kind that is not known here never has."""
    if kind == "welcome":
        return isinstance(frame.get("server_time"), str)
    if kind == "ack":
        return is_seq(frame.get("seq")) and read_ranges(frame.get("ranges")) is not None
    if kind == "pace":
        return is_pace(frame.get("backfill"))
    if kind == "deadline":
        return isinstance(frame.get("command_id"), str) and isinstance(frame.get("expires_at"), str)
    if kind == "refused":
        return isinstance(frame.get("message"), str) and isinstance(frame.get("count"), int)
    if kind == "token":
        # What does not fit into a header could not be come with.
        token = frame.get("token")
        return isinstance(frame.get("token_id"), str) and isinstance(token, str) and bool(re.fullmatch(r"[\x21-\x7e]+", token))
    if kind == "peers":
        return isinstance(frame.get("device_ids"), list)
    if kind == "peer":
        return isinstance(frame.get("telemetry"), dict) and "device_id" in frame["telemetry"]
    return False
