"""Drives `wattboard_device` for the conformance suite: orders on stdin, what happens on stdout, one JSON object a line (`sdk-process.ts`)."""

import asyncio
import json
import os
import selectors
import sys
import threading
import time

SPEED = float(os.environ["SPEED"])
monotonic, select = time.monotonic, selectors.DefaultSelector.select
time.monotonic = lambda: monotonic() * SPEED
selectors.DefaultSelector.select = lambda self, timeout=None: select(self, timeout and timeout / SPEED)

from wattboard_device import CommandRejected, DeviceConfigurationError, connect  # noqa: E402

CAPABILITIES = {
    "commands": {"SET_MODE": {"target_power": {"MANUAL_CHARGE": {"maximum": 2500}}, "leases": True}, "RESET_ERROR": {}},
    "parameters": [{"name": "reserve_soc", "type": "integer", "unit": "%", "minimum": 5, "maximum": 50}],
}


def report(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


def on_status(status):
    outage = {} if status.outage is None else {"code": status.outage.code, "retryInS": status.retry_in_s}
    report("status", state=status.state, **outage)


async def on_command(command):
    report("command", command=command)
    if command["payload"].get("target_mode") == "MANUAL_IDLE":
        raise CommandRejected("not today")
    if command["action"] == "RESET_ERROR":
        raise RuntimeError("it is stuck")


async def main():
    loop = asyncio.get_running_loop()
    orders = asyncio.Queue()

    def read_orders():
        for line in sys.stdin:
            loop.call_soon_threadsafe(orders.put_nowait, json.loads(line))
        loop.call_soon_threadsafe(orders.put_nowait, {"do": "stop"})

    threading.Thread(target=read_orders, daemon=True).start()
    options = {"journal_bytes": int(os.environ["JOURNAL_BYTES"])} if "JOURNAL_BYTES" in os.environ else {}
    try:
        device = connect(
            journal=os.environ["JOURNAL"],
            on_command=on_command,
            capabilities=CAPABILITIES,
            on_status=on_status,
            log=lambda notice: report("notice", code=notice.code, message=notice.message),
            **options,
        )
        await device.start()
    except DeviceConfigurationError as error:
        report("failed", message=str(error))
        return
    report("ready")
    while True:
        order = await orders.get()
        if order["do"] == "stop":
            break
        for n in range(order["from"], order["to"] + 1):
            await device.send({"solar": {"power": n}, "load": {"note": os.urandom(order.get("noiseBytes", 0)).hex()}})
        report("sent", to=order["to"])
    await device.stop()
    report("stopped")


asyncio.new_event_loop().run_until_complete(main())
