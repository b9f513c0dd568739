"""Commands as they travel to a device, and whether it can be told so (`packages/protocol/src/{command,unsupported-because}.ts`)."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Optional

from .limits import LEASE_MS_MAX, LEASE_MS_MIN, NAME_LENGTH_MAX, TARGET_MODES, TEXT_LENGTH_MAX

#: `{"command_id": …, "action": SET_MODE | RESET_ERROR | SET_PARAMETER | RESTART, "payload": {…}}`
Command = Dict[str, Any]
#: What a device can be told: `{"commands": {…}, "parameters": […]}`
Capabilities = Mapping[str, Any]


def why_no_command(frame: object) -> Optional[str]:
    """What keeps a frame from being a command, in words; None where it is one."""
    if not isinstance(frame, dict):
        return "it is not a JSON object"
    command_id, action, payload = frame.get("command_id"), frame.get("action"), frame.get("payload")
    if not isinstance(command_id, str) or not 1 <= len(command_id) <= NAME_LENGTH_MAX:
        return f"command_id is not a text of 1 to {NAME_LENGTH_MAX} characters"
    if not isinstance(payload, dict):
        return "payload is not an object"
    if action == "SET_MODE":
        return _why_no_mode(payload)
    if action == "SET_PARAMETER":
        return _why_no_parameter(payload)
    return None if action in ("RESET_ERROR", "RESTART") else f"action {json.dumps(action)} is not known"


def _why_no_mode(payload: Mapping[str, Any]) -> Optional[str]:
    power, lease_ms = payload.get("target_power", 0), payload.get("lease_ms", LEASE_MS_MIN)
    if payload.get("target_mode") not in TARGET_MODES:
        return f"target_mode is not one of {', '.join(TARGET_MODES)}"
    if not (_is_number(power) and power >= 0):
        return "target_power is not a number from 0 on"
    if not (_is_whole(lease_ms) and LEASE_MS_MIN <= lease_ms <= LEASE_MS_MAX):
        return f"lease_ms is not a whole number from {LEASE_MS_MIN} to {LEASE_MS_MAX}"
    return None


def _why_no_parameter(payload: Mapping[str, Any]) -> Optional[str]:
    name, value = payload.get("name"), payload.get("value")
    if not isinstance(name, str) or not 1 <= len(name) <= NAME_LENGTH_MAX:
        return "name is not the name of a parameter"
    is_value = isinstance(value, bool) or _is_number(value) or (isinstance(value, str) and len(value) <= TEXT_LENGTH_MAX)
    return None if is_value else "value is not a number, a text, true or false"


def unsupported_because(command: Command, capabilities: Capabilities) -> Optional[str]:
    """Why this device cannot be told so, with what is allowed instead; None where it can."""
    action, payload = command["action"], command["payload"]
    known = capabilities.get("commands", {})
    if action == "SET_PARAMETER":
        return _parameter_unsupported_because(payload, capabilities.get("parameters", ()))
    if action not in known:
        return f"The device has not announced {action}."
    return _mode_unsupported_because(payload, known[action]) if action == "SET_MODE" else None


def _mode_unsupported_because(payload: Mapping[str, Any], known: Mapping[str, Any]) -> Optional[str]:
    mode, power, lease_ms = payload["target_mode"], payload.get("target_power"), payload.get("lease_ms")
    if lease_ms is not None and mode == "AUTO":
        return "AUTO needs no lease: a lease ends in AUTO."
    if power is not None and mode in ("AUTO", "MANUAL_IDLE"):
        return f"{mode} takes no target_power."
    modes = known.get("target_modes", TARGET_MODES)
    if mode not in modes:
        return f"target_mode may be {', '.join(modes)}."
    if lease_ms is not None and known.get("leases") is not True:
        return "The device has not announced that it keeps leases; without lease_ms the command can be sent."
    if power is None:
        return None
    fault = _range_fault(power, known.get("target_power", {}).get(mode, {}), " W")
    return None if fault is None else f"target_power of {mode} {fault}, not {power} W."


def _parameter_unsupported_because(payload: Mapping[str, Any], parameters: Any) -> Optional[str]:
    name, value = payload["name"], payload["value"]
    parameter = next((each for each in parameters if each["name"] == name), None)
    if parameter is None:
        names = ", ".join(each["name"] for each in parameters)
        if not names:
            return "The device has announced no parameters."
        return f"The device has no parameter {json.dumps(name)}; it has {names}."
    words = {"number": "a number", "integer": "a whole number", "text": "a text", "boolean": "true or false"}
    kind = parameter["type"]
    is_right = {
        "number": _is_number(value),
        "integer": _is_whole(value),
        "text": isinstance(value, str),
        "boolean": isinstance(value, bool),
    }[kind]
    if not is_right:
        return f"{name} is {words[kind]}, not {json.dumps(value)}."
    choices = parameter.get("choices")
    if choices is not None and str(value) not in choices:
        return f"{name} may be {', '.join(choices)}."
    unit = f" {parameter['unit']}" if "unit" in parameter else ""
    fault = _range_fault(value, parameter, unit) if _is_number(value) else None
    return None if fault is None else f"{name} {fault}, not {value}."


def _range_fault(value: float, limits: Mapping[str, Any], unit: str) -> Optional[str]:
    minimum, maximum = limits.get("minimum"), limits.get("maximum")
    if (minimum is None or value >= minimum) and (maximum is None or value <= maximum):
        return None
    if minimum is None:
        return f"may be at most {maximum}{unit}"
    if maximum is None:
        return f"must be at least {minimum}{unit}"
    return f"may be {minimum} to {maximum}{unit}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer()
