"""The edge client of the seeds' client guide, as its author would write it.

Reads DEVICE_ID, API_TOKEN and URI; pushes one message after another at RATE_HZ (1 in the guide), listens for commands in between, and
reconnects for ever, RETRY_S apart (5 in the guide). What happens is told on stdout, one JSON object a line, instead of the guide's prints.
AUTHORIZATION, where it is set, is sent instead of the bearer token; empty: no header at all.
"""

import asyncio
import json
import os

import websockets

# 1. Load secrets from the environment, never hardcoded.
DEVICE_ID = os.environ["DEVICE_ID"]
API_TOKEN = os.environ.get("API_TOKEN", "")
URI = os.environ["URI"]
RATE_HZ = float(os.environ.get("RATE_HZ", "1"))
RETRY_S = float(os.environ.get("RETRY_S", "5"))
AUTHORIZATION = os.environ.get("AUTHORIZATION", f"Bearer {API_TOKEN}")


def report(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


def connect():
    headers = {"Authorization": AUTHORIZATION} if AUTHORIZATION else {}
    # The guide's `extra_headers` is called `additional_headers` from websockets 14 on.
    is_new = int(websockets.__version__.split(".")[0]) >= 14
    return websockets.connect(URI, **{"additional_headers" if is_new else "extra_headers": headers})


def refused_status(error):
    """The HTTP status of a refused handshake, or None: InvalidStatusCode up to 13, InvalidStatus from 14 on."""
    status = getattr(error, "status_code", None)
    return status if status is not None else getattr(getattr(error, "response", None), "status_code", None)


async def send_telemetry():
    sent = 0
    while True:
        try:
            report("connecting")
            async with connect() as websocket:
                report("connected")
                while True:
                    # 2. Read sensors. The timestamp is the guide's own: it stands still, and is long ago.
                    telemetry_payload = {
                        "device_id": DEVICE_ID,
                        "timestamp": "2026-02-03T12:00:00Z",
                        "battery": {"voltage": 53.2, "soc": sent % 100},
                    }
                    # 3. Send telemetry.
                    text = json.dumps(telemetry_payload)
                    await websocket.send(text)
                    sent += 1
                    report("sent", text=text)
                    # 4. Listen for commands, for a moment.
                    try:
                        message = await asyncio.wait_for(websocket.recv(), timeout=min(0.1, 1 / RATE_HZ))
                        report("received", text=message)
                    except asyncio.TimeoutError:
                        pass
                    # 5. Wait.
                    await asyncio.sleep(1 / RATE_HZ)
        except Exception as error:
            status = refused_status(error)
            if status is not None:
                report("refused", status=status)
            else:
                report("lost", code=getattr(error, "code", None), reason=getattr(error, "reason", str(error)))
            await asyncio.sleep(RETRY_S)


if __name__ == "__main__":
    asyncio.run(send_telemetry())
