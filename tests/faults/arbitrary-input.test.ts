import { isDeviceId, isRefusal, limits } from "@wattboard/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DeviceState } from "../../packages/server/dist/devices/device-state.js";
import { decode } from "../../packages/server/dist/telemetry/gatekeeper.js";
import { readiness } from "../support/api.ts";
import { openWitness } from "../support/healthy-device.ts";
import { clientFrame, handshakeRequest, openRawDevice, RawSocket } from "../support/raw-socket.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/**
 * Method: fast-check makes up JSON, bytes and mutations of a good sample. The gatekeeper must answer each with values or with a refusal, and
 * what it lets in must be harmless. The seed of a failure is printed.
 */

const nowMs = Date.UTC(2026, 0, 31, 12);
const judge = (text: string | Buffer) =>
  decode(new DeviceState("ems_001", "ems_001"), Buffer.from(text as string), nowMs);

/** All that the rest of the server takes for granted of a reading. */
function expectHarmless(decoded: ReturnType<typeof judge>): void {
  if (isRefusal(decoded)) {
    expect(decoded.message.length).toBeLessThan(1_000);
    return;
  }
  expect(Number.isFinite(decoded.deviceTimeMs)).toBe(true);
  let fields = 0;
  const expectScalar = (value: unknown): void => {
    fields++;
    if (typeof value === "number") expect(Number.isFinite(value)).toBe(true);
    else if (typeof value === "string") expect(value.length).toBeLessThanOrEqual(limits.textLengthMax);
    else expect(value === null || typeof value === "boolean").toBe(true);
  };
  const expectName = (name: string): void => expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_]{0,63}$/);
  expect(Object.getPrototypeOf(decoded.values)).toBe(Object.prototype);
  for (const [section, body] of Object.entries(decoded.values)) {
    expectName(section);
    if (typeof body !== "object" || body === null) {
      expectScalar(body);
      continue;
    }
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
    for (const [field, value] of Object.entries(body)) {
      expectName(field);
      if (!Array.isArray(value)) expectScalar(value);
      else for (const flag of value) expect(typeof flag).toBe("string");
    }
  }
  expect(fields).toBeLessThanOrEqual(limits.extraPointsMax + 15);
  // Nothing leaked into what all objects share.
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
}

/** Names and values that have broken parsers before, among arbitrary ones. */
const name = fc.oneof(
  fc.constantFrom(
    "__proto__",
    "constructor",
    "prototype",
    "battery",
    "solar",
    "power",
    "soc",
    "",
    "a.b",
    "é",
    "x".repeat(65),
  ),
  fc.string({ maxLength: 70 }),
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,10}$/),
);
const scalarText = fc.oneof(
  fc.constantFrom("1e999", "-1e999", "1e-999", "-0", "NaN", "null", "true", "9".repeat(400), '"\\u0000"', '"\\ud800"'),
  fc.double().map((value) => JSON.stringify(value)),
  fc.string({ maxLength: 300 }).map((value) => JSON.stringify(value)),
);
const { value: jsonText } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalarText,
    fc.array(tie("value"), { maxLength: 4 }).map((values) => `[${values.join(",")}]`),
    fc
      .array(fc.tuple(name, tie("value")), { maxLength: 6 })
      .map((pairs) => `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`),
  ),
}));
/** A good message with sections and fields of any kind in it and over it: most are nearly right. */
const nearlyRight = fc.array(fc.tuple(name, jsonText), { maxLength: 5 }).map((pairs) => {
  const good = JSON.stringify(sampleOf("ems_001", { timestamp: "2026-01-31T12:00:00Z" }));
  return `${good.slice(0, -1)}${pairs.map(([key, value]) => `,${JSON.stringify(key)}:${value}`).join("")}}`;
});

test("arbitrary JSON never throws, and what is let in holds finite numbers and bounded names only", () => {
  fc.assert(
    fc.property(fc.oneof(jsonText, fc.json(), nearlyRight), (text) => expectHarmless(judge(text))),
    { numRuns: 5_000 },
  );
});

test("a good sample with any one field put in keeps it exactly where its name and value allow it", () => {
  let acceptedCount = 0;
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_ ]{0,9}$/),
      fc.oneof(fc.double(), fc.boolean(), fc.constant(null)),
      (field, value) => {
        const text = JSON.stringify(sampleOf("ems_001", { heater: { [field]: value } }));
        const decoded = judge(text);
        expectHarmless(decoded);
        const isAllowed = /^[A-Za-z][A-Za-z0-9_]*$/.test(field);
        const isKept = !isRefusal(decoded) && Object.hasOwn((decoded.values.heater as object | undefined) ?? {}, field);
        expect(isKept).toBe(isAllowed);
        if (isAllowed) acceptedCount++;
      },
    ),
    { numRuns: 500 },
  );
  expect(acceptedCount).toBeGreaterThan(50);
});

test("arbitrary bytes never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => expectHarmless(judge(Buffer.from(bytes)))),
    { numRuns: 2_000 },
  );
});

test("a good message with a few bytes changed, cut out or doubled never throws", () => {
  const good = Buffer.from(JSON.stringify(sampleOf("ems_001")));
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.constantFrom("set", "cut", "double")), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(damage, (changes) => {
      let bytes = Buffer.from(good);
      for (const [at, byte, how] of changes) {
        if (how === "set" && at < bytes.length) bytes[at] = byte;
        if (how === "cut") bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + (byte % 20))]);
        if (how === "double") bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 10))]);
      }
      expectHarmless(judge(bytes));
    }),
    { numRuns: 3_000 },
  );
});

test("an id is a device's only where it is 1 to 64 of the allowed characters", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 80 }), fc.stringMatching(/^[A-Za-z0-9_.-]{0,70}$/)), (text) => {
      const isAllowed = [...text].every((letter) =>
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-".includes(letter),
      );
      const isStarted = text !== "" && !"_.-".includes(text.charAt(0));
      expect(isDeviceId(text)).toBe(isAllowed && isStarted && text.length <= 64);
    }),
    { numRuns: 2_000 },
  );
});

test("arbitrary bytes on a socket, before or after the handshake, in a frame or bare, never harm the server", async () => {
  const server = await startServer({ settings: { "takeover.max": "100000", "limits.handshake_ms": "500" } });
  const witness = await openWitness(server);
  const token = server.addDevice("hostile");
  const bytes = fc.uint8Array({ maxLength: 3_000 });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("bare", "in a request", "after the handshake", "in a frame"),
      bytes,
      async (where, noise) => {
        const raw =
          where === "bare" || where === "in a request"
            ? await RawSocket.connect(server.url)
            : await openRawDevice(server.url, "hostile", token);
        if (where === "in a request") raw.write(handshakeRequest("/ws/device/hostile").slice(0, -2), noise);
        else raw.write(where === "in a frame" ? clientFrame(noise) : noise);
        await witness.isServed();
        raw.socket.destroy();
      },
    ),
    { numRuns: 150, endOnFailure: true },
  );
  expect((await readiness(server)).status).toBe("ready");
  await witness.isServed();
});
