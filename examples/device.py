"""A device in Python, with nothing but the `websockets` package (Debian: python3-websockets).

DEVICE_ID=ems_001 API_TOKEN=... python3 examples/device.py
"""

import asyncio
import inspect
import json
import os
from datetime import datetime, timezone

import websockets

DEVICE_ID = os.environ["DEVICE_ID"]
API_TOKEN = os.environ["API_TOKEN"]
URI = os.environ.get("URI", f"ws://127.0.0.1:8000/ws/device/{DEVICE_ID}")

# The argument was renamed in version 14 of websockets.
NEW_NAME = "additional_headers" in inspect.signature(websockets.connect).parameters
HEADERS = {("additional_headers" if NEW_NAME else "extra_headers"): {"Authorization": f"Bearer {API_TOKEN}"}}


def read_sensors():
    return {
        "device_id": DEVICE_ID,
        "timestamp": datetime.now(timezone.utc).isoformat(),
        "system_status": {"state": "CHARGING", "mode": "AUTO", "error_flags": []},
        "battery": {"voltage": 53.2, "current": 10.5, "power": 558.6, "soc": 85},
    }


async def send_telemetry(socket):
    while True:
        await socket.send(json.dumps(read_sensors()))
        await asyncio.sleep(1)


async def listen_for_commands(socket):
    async for message in socket:
        print("command", json.loads(message), flush=True)


async def main():
    while True:
        try:
            async with websockets.connect(URI, **HEADERS) as socket:
                print("connected", flush=True)
                await asyncio.gather(send_telemetry(socket), listen_for_commands(socket))
        except Exception as error:
            print(f"not connected: {error}; trying again in 5 s", flush=True)
            await asyncio.sleep(5)


if __name__ == "__main__":
    asyncio.run(main())
