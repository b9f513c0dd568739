import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SolMate, type SolMateMessage, type SolMateSettings } from "./solmate.ts";

const settings: SolMateSettings = { behaviour: "sine", valueMax: 400, sleepMinS: 1, sleepMaxS: 5, seed: 7 };
const now = new Date(2026, 2, 17, 14, 59, 13, 47);
const door = "ws://localhost:8000/update/";

interface Sent {
  readonly type: string;
  readonly head: string;
  readonly body: Record<string, unknown>;
}

function read(message: SolMateMessage | null): Sent {
  if (message === null) throw new Error("nothing to send");
  const { type, message: text } = JSON.parse(message.text) as { type: string; message: string };
  const [, head, body] = /^(\d{4}:\d{4}):(.*)$/.exec(text) ?? [];
  expect(head).toBe(message.head);
  return { type, head: head ?? "", body: JSON.parse(body ?? "") };
}

/** The first SolMate of this version, by serial number. */
function solMateOf(version: "v1" | "v2", more: Partial<SolMateSettings> = {}): SolMate {
  for (let number = 1; number < 50; number++) {
    const make = () => new SolMate(String(number).padStart(4, "0"), { ...settings, ...more });
    if (read(make().nextMessage(now, door)).body.solmate_version === version) return make();
  }
  throw new Error("no such version");
}

/** What it has to send until the server has all. */
function settled(solmate: SolMate): SolMate {
  solmate.nextMessage(now, door);
  solmate.answered(true);
  return solmate;
}

describe("a SolMate", () => {
  test("begins with an update of everything, in the order of the documents", () => {
    const first = read(solMateOf("v1").nextMessage(now, door));
    expect(first).toMatchObject({ type: "UPDT", head: expect.stringMatching(/^0000:/) });
    expect(Object.keys(first.body)).toEqual([
      "battery",
      "software_version",
      "country",
      "postcode",
      "solmate_version",
      "pv_connectors",
      "power_income",
      "power_inject",
      "power_consumption",
    ]);
    expect(first.body).toMatchObject({ solmate_version: "v1", pv_connectors: 1 });
  });

  test("of version 2 has two panels, and a clock as Python writes it", () => {
    const { body } = read(solMateOf("v2").nextMessage(now, door));
    expect(body).toMatchObject({
      solmate_version: "v2",
      pv_connectors: 2,
      local_time: "2026-03-17 14:59:13.047000",
    });
  });

  test("that initialises begins with the INIT of the documents, and with an update on its next link", () => {
    const solmate = new SolMate("0001", { ...settings, initializer: true });
    const first = read(solmate.nextMessage(now, door));
    expect(first).toMatchObject({ type: "INIT", head: "0000:0001" });
    expect(Object.keys(first.body)).toEqual(
      "serial_number solmate_version _software_version _country _postcode _power_income _power_inject _power_consumption _battery _capacity _local_time server_url websocket connected publish message_id message_queue tasks meassuring charging injecting pv_connectors".split(
        " ",
      ),
    );
    expect(first.body).toMatchObject({
      serial_number: "0001",
      server_url: door,
      message_id: "0000",
      _local_time: null,
    });
    solmate.answered(true);
    solmate.linked();
    const next = read(solmate.nextMessage(now, door));
    expect(next).toMatchObject({ type: "UPDT", head: "0001:0001" });
    expect(next.body).toMatchObject({ battery: first.body._battery, software_version: first.body._software_version });
  });

  test("goes on initialising until it is answered with OK", () => {
    const solmate = new SolMate("0001", { ...settings, initializer: true });
    solmate.nextMessage(now, door);
    solmate.answered(false);
    expect(read(solmate.nextMessage(now, door))).toMatchObject({ type: "INIT", head: "0001:0001" });
  });

  test("sends what has changed, and nothing where nothing has", () => {
    const solmate = settled(solMateOf("v1"));
    expect(solmate.nextMessage(now, door)).toBeNull();
    solmate.change();
    const { type, body } = read(solmate.nextMessage(now, door));
    expect([type, Object.keys(body).length]).toEqual(["UPDT", 1]);
    solmate.answered(true);
    expect(solmate.nextMessage(now, door)).toBeNull();
  });

  test("takes a value that is drawn again as no change", () => {
    const solmate = settled(solMateOf("v1", { behaviour: "random", valueMax: 1 }));
    const values = { ...read(solmateAfterLink(solmate)).body };
    solmate.answered(true);
    let silent = 0;
    for (let turn = 0; turn < 100; turn++) {
      solmate.change();
      const message = solmate.nextMessage(now, door);
      if (message === null) {
        silent++;
        continue;
      }
      for (const [name, value] of Object.entries(read(message).body)) {
        expect(value).not.toBe(values[name]);
        values[name] = value;
      }
      solmate.answered(true);
    }
    expect(silent).toBeGreaterThan(20);
    expect(silent).toBeLessThan(80);
  });

  test("counts its messages to 9999 and then from 0000, over all links", () => {
    const solmate = new SolMate("0042", settings);
    const heads = Array.from({ length: 10_002 }, () => {
      solmate.linked();
      const head = solmate.nextMessage(now, door)?.head;
      solmate.answered(true);
      return head;
    });
    expect(heads.slice(0, 2)).toEqual(["0000:0042", "0001:0042"]);
    expect(heads.slice(9_998)).toEqual(["9998:0042", "9999:0042", "0000:0042", "0001:0042"]);
  });

  test("whose answers are lost or bad at times leaves the server with its present values in the end, and repeats none that was taken", () => {
    const step = fc.constantFrom("change", "OK", "ERROR", "link");
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), fc.nat(), (steps, seed) => {
        const solmate = new SolMate("0001", { ...settings, seed });
        const atServer: Record<string, unknown> = {};
        const exchange = (isOk: boolean) => {
          const message = solmate.nextMessage(now, door);
          if (message === null) return;
          const { body } = read(message);
          // While it is on its way, something else may change.
          solmate.change();
          if (isOk) Object.assign(atServer, body);
          solmate.answered(isOk);
        };
        for (const each of steps) {
          if (each === "change") solmate.change();
          else if (each === "link") solmate.linked();
          else exchange(each === "OK");
        }
        // Two exchanges without a change in between: the second has what changed during the first.
        const last = solmate.nextMessage(now, door);
        if (last !== null) Object.assign(atServer, read(last).body);
        solmate.answered(true);
        expect(solmate.nextMessage(now, door)).toBeNull();
        solmate.linked();
        const { local_time: _1, ...present } = read(solmate.nextMessage(now, door)).body;
        const { local_time: _2, ...kept } = atServer;
        expect(kept).toEqual(present);
      }),
    );
  });

  test("lives the same life for the same seed and serial number, and another for another", () => {
    const life = (serial: string, seed: number) => {
      const solmate = new SolMate(serial, { ...settings, seed });
      return Array.from({ length: 40 }, () => {
        solmate.change();
        const text = solmate.nextMessage(now, door)?.text.replaceAll(serial, "");
        solmate.answered(true);
        return [solmate.sleepMs(), text];
      });
    };
    expect(life("0001", 7)).toEqual(life("0001", 7));
    expect(life("0001", 7)).not.toEqual(life("0002", 7));
    expect(life("0001", 7)).not.toEqual(life("0001", 8));
  });

  test("sleeps between the least and the most seconds", () => {
    const solmate = new SolMate("0001", { ...settings, sleepMinS: 2, sleepMaxS: 3 });
    const sleeps = Array.from({ length: 200 }, () => solmate.sleepMs());
    expect(Math.min(...sleeps)).toBeGreaterThanOrEqual(2_000);
    expect(Math.max(...sleeps)).toBeLessThanOrEqual(3_000);
    expect(Math.max(...sleeps) - Math.min(...sleeps)).toBeGreaterThan(800);
  });
});

function solmateAfterLink(solmate: SolMate): SolMateMessage | null {
  solmate.linked();
  return solmate.nextMessage(now, door);
}

describe("a SolMate that can be steered", () => {
  const order = (value: unknown, more: object = {}) => ({
    command_id: "cmd_1",
    action: "SET_PARAMETER",
    payload: { name: "inject_max", value },
    ...more,
  });

  /** It has told what it is, and what it can be told. */
  function announced(): SolMate {
    const solmate = solMateOf("v1", { remoteControl: true });
    solmate.linked();
    expect(read(solmate.nextMessage(now, door)).body).toMatchObject({ inject_max: 400, injecting: true });
    solmate.answered(true);
    const { type, body } = read(solmate.nextMessage(now, door));
    expect(type).toBe("CMND");
    expect(body.parameters).toMatchObject([
      { name: "inject_max", type: "number", unit: "W", minimum: 0, maximum: 400 },
      { name: "injecting", type: "boolean" },
    ]);
    solmate.answered(true);
    expect(solmate.nextMessage(now, door)).toBeNull();
    return solmate;
  }

  test("obeys, says so, and never injects more than it was told", () => {
    const solmate = announced();
    expect(solmate.command(order(50), now.getTime())).toBe(true);
    const result = read(solmate.nextMessage(now, door));
    expect([result.type, result.body]).toEqual(["CMND", { command_id: "cmd_1", status: "applied" }]);
    solmate.answered(true);
    expect(read(solmate.nextMessage(now, door)).body).toMatchObject({ inject_max: 50 });
    solmate.answered(true);
    for (let step = 0; step < 500; step++) {
      solmate.change();
      const message = solmate.nextMessage(now, door);
      if (message === null) continue;
      expect(read(message).body.power_inject ?? 0).toBeLessThanOrEqual(50);
      solmate.answered(true);
    }
    solmate.command(order(false, { payload: { name: "injecting", value: false } }), now.getTime());
    solmate.nextMessage(now, door);
    solmate.answered(true);
    solmate.linked();
    expect(read(solmate.nextMessage(now, door)).body).toMatchObject({ power_inject: 0, injecting: false });
  });

  test.each([
    ["more than it can", order(401), /400/],
    ["something else than a number", order("much"), /number/],
    ["a parameter that it does not have", order(1, { payload: { name: "colour", value: "red" } }), /colour/],
    ["a command that it does not know", { command_id: "cmd_1", action: "EXPLODE", payload: {} }, /action/],
    ["a restart", { command_id: "cmd_1", action: "RESTART", payload: {} }, /RESTART/],
    ["something that came too late", order(50, { expires_at: now.toISOString() }), /expiry/],
  ])("rejects %s, and stays as it is", (_what, body, reason) => {
    const solmate = announced();
    expect(solmate.command(body, now.getTime())).toBe(true);
    expect(read(solmate.nextMessage(now, door)).body).toEqual({
      command_id: "cmd_1",
      status: "rejected",
      reason: expect.stringMatching(reason),
    });
    solmate.answered(true);
    expect(solmate.nextMessage(now, door)).toBeNull();
  });

  test("does not answer what is no command, and without remote control none at all", () => {
    for (const body of [undefined, null, 7, {}, { command_id: 3 }]) {
      expect(announced().command(body, now.getTime())).toBe(false);
    }
    const plain = settled(solMateOf("v1"));
    expect(plain.command(order(50), now.getTime())).toBe(false);
    expect(plain.nextMessage(now, door)).toBeNull();
  });
});
