"""As fleet.ts, of wattboard_device: `python3 fleet.py RATE_HZ SPEED`."""

import asyncio
import datetime
import json
import selectors
import sys
import time

RATE_HZ, SPEED = float(sys.argv[1]), float(sys.argv[2])
monotonic, select = time.monotonic, selectors.DefaultSelector.select
time.monotonic = lambda: monotonic() * SPEED
selectors.DefaultSelector.select = lambda self, timeout=None: select(self, timeout and timeout / SPEED)

from wattboard_device import connect  # noqa: E402


async def drive(member):
    device = connect(
        member["device_id"], member["token"], member["url"], journal=member["journal"], log=lambda notice: None
    )
    await device.start()
    last = 0
    while True:
        last = max(last + 1, int(time.time() * 1000) % 1_000_000_000)
        timestamp = datetime.datetime.now(datetime.timezone.utc).isoformat()
        await device.send({"timestamp": timestamp, "system_status": {}, "own": {"number": last}})
        await asyncio.sleep(SPEED / RATE_HZ)


async def main():
    loop = asyncio.get_running_loop()
    members = [json.loads(line) for line in await loop.run_in_executor(None, sys.stdin.readlines)]
    await asyncio.gather(*(drive(member) for member in members))


asyncio.new_event_loop().run_until_complete(main())
