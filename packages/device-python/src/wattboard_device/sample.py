"""What an author measures, as the message that goes out."""

from __future__ import annotations

import dataclasses
import json
import math
from datetime import datetime, timezone
from typing import Any, Mapping, Union

#: One telemetry message, without the id and, where it is the present, without the time; a dict, a dataclass, or their JSON text. At least one of the known
#: sections must be there. Units are V, A, W, Hz, %, °C; `battery.power` and `battery.current` are positive while charging, `grid.power` while importing.
#: None and NaN say that there is no value just now.
Sample = Union[Mapping[str, Any], str, Any]


def message_of(device_id: str, sample: Sample) -> str:
    """The telemetry message, in JSON with ASCII letters alone. Raises TypeError or ValueError for what is no sample."""
    if isinstance(sample, str):
        sample = json.loads(sample)
    elif dataclasses.is_dataclass(sample) and not isinstance(sample, type):
        sample = dataclasses.asdict(sample)
    if not isinstance(sample, Mapping):
        raise TypeError(f"A sample is a dict, a dataclass or a JSON text of an object, not {type(sample).__name__}.")
    # A sample copied from another device's message must not speak for that one; and the number is the journal's.
    message = {"device_id": device_id, "timestamp": _now(), **sample, **{"device_id": device_id}}
    message.pop("seq", None)
    try:
        return json.dumps(message, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_without_nan(message), separators=(",", ":"), allow_nan=False)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_nan(value: Any) -> Any:
    """JSON knows neither NaN nor infinity: there is no value."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(each) for each in value]
    return value
