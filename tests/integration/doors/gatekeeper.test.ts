import { parseRfc3339, type Telemetry } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { deviceDetail, metric, samplesCounted, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { openWitness } from "../../support/healthy-device.ts";
import { openDashboard, openDevice } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const withText = (changes: string): string => JSON.stringify(sampleOf("ems_001")).replace(/}$/, `,${changes}}`);
const manyFields = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`cell_${at}`, at]));

/** One frame of which nothing can be kept, and under which code it is dropped. What is odd in a part only: `tests/conformance/world/values.test.ts`. */
const refused: readonly [what: string, frame: () => string, code: string][] = [
  ["no JSON at all", () => "hello", "invalid_json"],
  ["an empty frame", () => "", "invalid_json"],
  ["JSON that is cut off", () => JSON.stringify(sampleOf("ems_001")).slice(0, -5), "invalid_json"],
  ["a number instead of an object", () => "42", "invalid_json"],
  ["an array of messages", () => JSON.stringify([sampleOf("ems_001")]), "invalid_json"],
  ["null", () => "null", "invalid_json"],
  ["10,000 nested arrays", () => `[`.repeat(10_000), "invalid_json"],
  ["no device_id", () => JSON.stringify({ ...sampleOf("ems_001"), device_id: undefined }), "invalid_schema"],
  ["another device's id", () => JSON.stringify(sampleOf("ems_002")), "wrong_device"],
  ["no section", () => JSON.stringify({ device_id: "ems_001", timestamp: new Date().toISOString() }), "no_section"],
  [
    "a new section only",
    () => JSON.stringify({ device_id: "ems_001", timestamp: new Date().toISOString(), heater: { power: 1 } }),
    "no_section",
  ],
  [
    "nothing but an odd value",
    () => JSON.stringify({ device_id: "ems_001", timestamp: new Date().toISOString(), battery: { soc: "full" } }),
    "nothing_usable",
  ],
];

/** One frame with something that costs itself only: the rest goes on, and the fault is counted. */
const partly: readonly [what: string, frame: () => string, fault: string][] = [
  [
    "closed nesting 5,000 deep in a new section",
    () => withText(`"extra":{"field":${"[".repeat(5_000)}${"]".repeat(5_000)}}`),
    "nested_value",
  ],
  [
    "closed objects 2,000 deep in a known field",
    () => withText(`"solar":${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`),
    "nested_value",
  ],
  ["a section named __proto__", () => withText('"__proto__":{"isAdmin":true}'), "invalid_name"],
  ["a field named __proto__", () => withText('"solar":{"__proto__":1}'), "invalid_name"],
  ["257 new fields", () => JSON.stringify(sampleOf("ems_001", { bms: manyFields(257) })), "too_many_points"],
  [
    "the 30th of February",
    () => JSON.stringify(sampleOf("ems_001", { timestamp: "2026-02-30T12:00:01Z" })),
    "no_readable_time",
  ],
];

describe("a message with something odd goes on without it", () => {
  test("what is left out is shown on the device's page, and no message is dropped", async () => {
    const server = await startServer();
    const witness = await openWitness(server);
    for (const [at, [, frame, fault]] of partly.entries()) {
      const id = `ems_00${at}`;
      const device = await openDevice(server.wsUrl, id, server.addDevice(id));
      const dashboard = await openDashboard(server.wsUrl, id);
      device.send(frame().replace("ems_001", id));
      const [shown = ""] = await dashboard.receive(1);
      expect(JSON.parse(shown).battery).toEqual(sampleOf(id).battery);
      const detail = await deviceDetail(server, id);
      expect([detail.dropped, detail.faulty_values.map((each) => each.fault)]).toEqual([{}, [fault]]);
    }
    await witness.isServed();
  });
});

describe("a message that is not valid is dropped, counted, shown, and leaves the link alive", () => {
  test.for(refused)("%s", async ([, frame, code]) => {
    const server = await startServer();
    const witness = await openWitness(server);
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    device.send(frame());
    // On the same link, behind the bad one.
    const good = JSON.stringify(sampleOf("ems_001"));
    device.send(good);

    expect(await dashboard.receive(1)).toEqual([good]);
    const detail = await deviceDetail(server, "ems_001");
    expect(detail.dropped).toEqual({ [code]: 1 });
    expect(detail.accepted).toBe(1);
    expect(detail.last_refusal).toMatchObject({ code });
    expect(await samplesCounted(server, code)).toBe(1);
    await eventually(async () => expect(await storedSamples(server, "ems_001")).toHaveLength(1));
    await witness.isServed();
  });
});

/** Odd, but valid: it must come through, byte for byte. */
const accepted: readonly [what: string, frame: () => string][] = [
  ["blanks and line ends around everything", () => ` \r\n${JSON.stringify(sampleOf("ems_001"), null, 4)}\n\t`],
  [
    "a name that stands twice, the last one right",
    () => `{"device_id":"ems_002",${JSON.stringify(sampleOf("ems_001")).slice(1)}`,
  ],
  ["a value that stands twice", () => withText('"solar":{"power":1,"power":2}')],
  [
    "escapes and letters of other alphabets",
    () => withText('"site":{"name":"Kraftverk Å \\u0928\\u092e\\u0938\\u094d\\u0924\\u0947 ☀️ 🔋"}'),
  ],
  [
    "null where a device has no value just now",
    () => JSON.stringify(sampleOf("ems_001", { battery: { soc: null, voltage: 53.2 } })),
  ],
  [
    "new fields in known and new sections, and outside any",
    () => withText('"heater":{"power":1,"on":true,"mode":"eco"},"firmware":"1.2.3"'),
  ],
  ["names that objects inherit", () => withText('"constructor":{"toString":1,"hasOwnProperty":2}')],
  ["exactly 256 new fields", () => JSON.stringify(sampleOf("ems_001", { bms: manyFields(256) }))],
  [
    "numbers at the edge of what a double holds",
    () => withText('"solar":{"power":0,"most":1.7976931348623157e308,"trim":-5e-324}'),
  ],
  [
    "one section alone",
    () => JSON.stringify({ device_id: "ems_001", timestamp: new Date().toISOString(), load: { power: 0 } }),
  ],
  [
    "a timestamp as Python's str() writes it, with a blank in the middle",
    () =>
      JSON.stringify(
        sampleOf("ems_001", { timestamp: new Date().toISOString().replace("T", " ").replace("Z", "123+00:00") }),
      ),
  ],
  [
    "a timestamp with an offset and microseconds",
    () => JSON.stringify(sampleOf("ems_001", { timestamp: new Date().toISOString().replace("Z", "123+00:00") })),
  ],
];

/** The store keeps the values, and times to the millisecond; not how a time was written. */
function kept(telemetry: Telemetry): Telemetry {
  return { ...telemetry, timestamp: new Date(parseRfc3339(telemetry.timestamp)).toISOString() };
}

describe("what is odd but valid comes through byte for byte", () => {
  test.for(accepted)("%s", async ([, frame]) => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const sent = frame();
    device.send(sent);
    expect(await dashboard.receive(1)).toEqual([sent]);
    expect((await deviceDetail(server, "ems_001")).dropped).toEqual({});
    await eventually(async () =>
      expect((await storedSamples(server, "ems_001")).map(({ telemetry }) => telemetry)).toEqual([
        kept(JSON.parse(sent)),
      ]),
    );
  });
});

describe("points outside the catalogue", () => {
  test("are so many a device over all its messages; the rest is left out, and those not sent for an hour make room", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock, settings: { "heartbeat.ping_ms": "86400000", "limits.points": "64" } });
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const shown = async (count: number) => JSON.parse((await dashboard.receive(count))[count - 1] ?? "");
    device.send(sampleOf("ems_001", { bms: { ...manyFields(64), "not a name": 1 } }));
    expect((await shown(1)).bms).toEqual(manyFields(64));
    device.send(sampleOf("ems_001", { heater: { power: 1 } }));
    expect(await shown(2)).not.toHaveProperty("heater");
    clock.advance(60 * 60_000 + 1);
    device.send(sampleOf("ems_001", { heater: { power: 1 } }));
    expect((await shown(3)).heater).toEqual({ power: 1 });
  });
});

describe("the rate limit", () => {
  test("lets 1,000 through at once, and then 50 a second; the excess is dropped and counted", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    const witness = await openWitness(server);
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    const dashboard = await openDashboard(server.wsUrl, "ems_001");
    const sendMany = (count: number, from: number): void => {
      for (let at = 0; at < count; at++) device.send(sampleOf("ems_001", { solar: { power: from + at } }));
    };
    sendMany(1_300, 0);
    await eventually(async () => expect(await samplesCounted(server, "rate_limited")).toBe(300));
    expect(await dashboard.receive(1_000)).toHaveLength(1_000);

    clock.advance(1_000);
    sendMany(60, 2_000);
    await eventually(async () => expect(await samplesCounted(server, "rate_limited")).toBe(310));
    const shown = (await dashboard.receive(1_050)).map((frame) => JSON.parse(frame).solar.power);
    // Those that came first were taken, none was put off.
    expect(shown).toEqual([...Array(1_000).keys(), ...Array.from({ length: 50 }, (_, at) => 2_000 + at)]);
    const detail = await deviceDetail(server, "ems_001");
    expect(detail.accepted).toBe(1_050);
    expect(detail.dropped).toEqual({ rate_limited: 310 });
    expect(detail.last_refusal).toMatchObject({ code: "rate_limited" });
    await witness.isServed();
  });

  test("is a setting", async () => {
    const clock = new ManualClock();
    const server = await startServer({
      clock,
      settings: { "limits.messages_burst": "3", "limits.messages_per_second": "1" },
    });
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    for (let sent = 0; sent < 5; sent++) device.send(sampleOf("ems_001"));
    await eventually(async () => expect(await samplesCounted(server, "rate_limited")).toBe(2));
    expect(await samplesCounted(server, "accepted")).toBe(3);
  });

  test("counts bad messages as well, so that garbage cannot be sent faster than samples", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock, settings: { "limits.messages_burst": "2" } });
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    for (let sent = 0; sent < 5; sent++) device.send("garbage");
    await eventually(async () => expect(await samplesCounted(server, "rate_limited")).toBe(3));
    expect(await samplesCounted(server, "invalid_json")).toBe(2);
  });
});

describe("refusals are visible", () => {
  test("the device's page has the counts by reason and the last refusal with its time, in words that say what and where", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send("garbage");
    device.send(sampleOf("ems_002"));
    device.send({ device_id: "ems_001", battery: { soc: "full" } });
    await eventually(async () => expect(await samplesCounted(server, "nothing_usable")).toBe(1));

    const detail = await deviceDetail(server, "ems_001");
    expect(detail.dropped).toEqual({ invalid_json: 1, wrong_device: 1, nothing_usable: 1 });
    expect(detail.last_refusal?.at).toBe(new Date(clock.wallMs()).toISOString());
    expect(detail.last_refusal?.message).toContain("battery.soc");
  });

  test("a device that was never refused anything says so", async () => {
    const server = await startServer();
    server.addDevice("ems_001");
    const detail = await deviceDetail(server, "ems_001");
    expect(detail).toMatchObject({ accepted: 0, dropped: {}, last_refusal: null, latest: null, online: false });
  });

  test("refused handshakes are counted by door and reason", async () => {
    const server = await startServer({
      settings: { "access.dashboards": "people", "access.metrics_from": "127.0.0.1" },
    });
    await expect(openDevice(server.wsUrl, "nobody", "wrong-token-wrong-token")).rejects.toThrow("403");
    await expect(openDashboard(server.wsUrl, "ems_001")).rejects.toThrow("403");
    expect(await metric(server, 'wattboard_handshakes_refused_total{door="device",code="forbidden"}')).toBe(1);
    expect(await metric(server, 'wattboard_handshakes_refused_total{door="dashboard",code="forbidden"}')).toBe(1);
  });
});
