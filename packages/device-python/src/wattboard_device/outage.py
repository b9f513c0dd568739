"""Why there is no link, and how long to wait before the next try."""

from __future__ import annotations

import email.utils
import re
import time
from dataclasses import dataclass
from typing import Callable, Optional

_FIRST_S, _FIRST_S_MIN, _BACKOFF_S_MAX = 5.0, 1.0, 60.0
#: A server that asks for more patience than this is asked again all the same.
_RETRY_AFTER_S_MAX = 5 * 60.0


@dataclass(frozen=True)
class Outage:
    #: unreachable, forbidden (HTTP 401, 403), busy (429, 503), unexpected_answer, replaced, revoked, silent, closed
    code: str
    #: Says what to do about it where the author can do something.
    message: str
    #: How long the server asked to wait (Retry-After).
    retry_after_s: Optional[float] = None
    #: What the close code says of coming again: soon, later, never.
    reconnect: Optional[str] = None


def outage_of_answer(host: str, device_id: str, status: int, retry_after: Optional[str]) -> Outage:
    """Why the server's answer to a handshake, an HTTP status, is no link."""
    if status in (401, 403):
        return Outage(
            "forbidden",
            f"{host} refused device {device_id} (HTTP {status}): the id is not registered, or the token is wrong or revoked. "
            f"Check DEVICE_ID and API_TOKEN; `wattboard device add {device_id}` on the server registers the device and prints "
            f"its token, `wattboard device rotate {device_id}` prints a new one.",
        )
    if status in (429, 503):
        why = "too many connections, or two devices that share this token" if status == 429 else "it is not ready"
        return Outage("busy", f"{host} asks to come back later (HTTP {status}): {why}.", parse_retry_after(retry_after))
    if status >= 500:
        return Outage("unreachable", f"{host} answers HTTP {status}.")
    return Outage("unexpected_answer", f"{host} answers HTTP {status}: is this the address of a Wattboard?")


def outage_of_close(code: int, reason: str) -> Outage:
    """Why a link ended, by its close code (RFC 6455 §7.4; above 4000 the code's range says when to come again)."""
    if code == 4301 or (code == 1008 and reason == "revoked"):
        return Outage("revoked", "The server revoked this device's token, or removed the device.")
    if code == 4001:
        return Outage("closed", "The device comes again with its new token.", reconnect="soon")
    if code == 4300 or (code == 1008 and reason in ("", "replaced")):
        return Outage("replaced", "A newer connection of this device took over: does another device use its token?")
    reconnect = "soon" if 4000 <= code < 4300 else "later" if 4300 <= code < 4600 else "never" if 4600 <= code < 5000 else None
    if code == 1008 or reconnect is not None:
        message = f"The server ended the link for a breach of its rules: {reason or code}."
        return Outage("closed", message, reconnect=reconnect or "later")
    if code == 1006:
        return Outage("closed", "The connection was lost.")
    return Outage("closed", f"The server ended the link ({code}{' ' + reason if reason else ''}).")


def parse_retry_after(header: Optional[str], now_s: Callable[[], float] = time.time) -> Optional[float]:
    """`Retry-After` in seconds: a number, or an HTTP date. None where there is none that can be read."""
    if header is None:
        return None
    if re.fullmatch(r"\s*[0-9]{1,9}\s*", header):
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - now_s())
    except (TypeError, ValueError, OverflowError):
        return None


def retry_delay_s(outage: Outage, failures: int, random: Callable[[], float]) -> float:
    """How long to wait before the next try, after so many earlier ones without a link that stayed up.

    At first 5 s on average, within 1 to 9, so that a fleet does not come back as one; then full jitter: anywhere up to 10, 20, 40, 60 s, but at least
    1 s.
    """

    def between(first_s: float, last_s: float) -> float:
        return first_s + random() * (last_s - first_s)

    kind = outage.reconnect if outage.reconnect in ("later", "never") else outage.code
    if kind in ("later", "replaced", "revoked"):
        # Two clones that share a token would else throw each other out without end.
        return between(30, 60)
    if kind in ("never", "forbidden", "unexpected_answer"):
        # Only a person can mend this; hurry would hide the real devices' tries in the server's log.
        return between(48, 72)
    if outage.retry_after_s is not None:
        asked_s = min(max(outage.retry_after_s, 1.0), _RETRY_AFTER_S_MAX)
        return between(asked_s, asked_s * 1.25)
    if failures == 0:
        return between(_FIRST_S_MIN, 2 * _FIRST_S - _FIRST_S_MIN)
    return max(1.0, random() * min(_BACKOFF_S_MAX, _FIRST_S * float(2 ** min(failures, 16))))
