"""A SolMate as SMART-OS's documents describe `solmate.py`, as its author would write it.

Connects without a subprotocol, begins with an update of everything (or, with --initializer, an INIT of its `__dict__`), then sends what has
changed (the observer pattern), awaits the answer to each message for 5 s, and reconnects 5 s after a loss, for ever. What happens is told on
stdout, one JSON object a line.
"""

import argparse
import asyncio
import itertools
import json
import random

import websockets

SERVER_URL = "ws://localhost:8000/update/"


def report(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


class Observed:
    """An attribute whose changes are published; its value stands in `__dict__` under its name with an underscore."""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        return instance.__dict__["_" + self.name]

    def __set__(self, instance, value):
        changed = instance.__dict__.get("_" + self.name) != value
        instance.__dict__["_" + self.name] = value
        if changed and instance.publish:
            instance.message_queue[self.name] = value


class SolMate:
    software_version = Observed()
    country = Observed()
    postcode = Observed()
    power_income = Observed()
    power_inject = Observed()
    power_consumption = Observed()
    battery = Observed()
    capacity = Observed()
    local_time = Observed()

    def __init__(self, options):
        self.publish = False
        self.serial_number = options.serial_number
        self.solmate_version = "v1"
        self.software_version = "v8.6"
        self.country = "DE"
        self.postcode = 7445
        self.power_income = 377
        self.power_inject = 336
        self.power_consumption = 400
        self.battery = 250
        self.capacity = 5184000
        self.local_time = None
        self.server_url = options.server_url
        self.websocket = ""
        self.connected = False
        self.message_id = "0000"
        self.message_queue = {}
        self.tasks = ""
        self.meassuring = True
        self.charging = False
        self.injecting = False
        self.pv_connectors = 1
        self.publish = True

    def everything(self):
        names = ["battery", "software_version", "country", "postcode", "power_income", "power_inject", "power_consumption"]
        return {name: getattr(self, name) for name in names}

    def change(self):
        name = random.choice(["power_income", "power_inject", "power_consumption", "battery"])
        setattr(self, name, random.randint(0, 500))


class Connection:
    def __init__(self, options):
        self.options = options
        self.solmate = SolMate(options)
        self.ids = (f"{number % 10_000:04d}" for number in itertools.count(options.first_message_id))

    async def run(self):
        is_new = self.options.initializer
        while True:
            try:
                report("connecting")
                async with websockets.connect(self.options.server_url) as websocket:
                    report("connected", subprotocol=websocket.subprotocol)
                    self.solmate.connected = True
                    first = vars(self.solmate) if is_new else self.solmate.everything()
                    await self.send(websocket, "INIT" if is_new else "UPDT", first)
                    is_new = False
                    while True:
                        await asyncio.sleep(random.uniform(self.options.min_sleep, self.options.max_sleep))
                        self.solmate.change()
                        if self.solmate.message_queue:
                            changes, self.solmate.message_queue = self.solmate.message_queue, {}
                            await self.send(websocket, "UPDT", changes)
            except (OSError, websockets.WebSocketException) as error:
                self.solmate.connected = False
                status = getattr(error, "status_code", None)
                if status is not None:
                    report("refused", status=status)
                else:
                    report("lost", code=getattr(error, "code", None), reason=getattr(error, "reason", str(error)))
                await asyncio.sleep(self.options.retry)

    async def send(self, websocket, kind, body):
        self.solmate.message_id = next(self.ids)
        head = f"{self.solmate.message_id}:{self.solmate.serial_number}"
        frame = {"type": kind, "message": f"{head}:{json.dumps(body)}"}
        text = str(frame) if self.options.python_literals else json.dumps(frame)
        await websocket.send(text)
        report("sent", text=text)
        try:
            report("answered", text=await asyncio.wait_for(self.answer_to(head, websocket), self.options.answer_within))
        except asyncio.TimeoutError:
            report("unanswered", text=head)

    async def answer_to(self, head, websocket):
        while True:
            text = await websocket.recv()
            answer = json.loads(text)
            if answer["type"] == "INFO" and answer["message"].startswith(head + ":"):
                return text
            report("received", text=text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server-url", default=SERVER_URL)
    parser.add_argument("--serial-number", default="0001")
    parser.add_argument("--first-message-id", type=int, default=0)
    parser.add_argument("--initializer", action="store_true")
    parser.add_argument("--python-literals", action="store_true", help="send frames as print() shows them")
    parser.add_argument("--min-sleep", type=float, default=1)
    parser.add_argument("--max-sleep", type=float, default=5)
    parser.add_argument("--answer-within", type=float, default=5)
    parser.add_argument("--retry", type=float, default=5)
    asyncio.run(Connection(parser.parse_args()).run())
