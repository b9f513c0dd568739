import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { metric, readiness } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { clientFrame, opcodes, RawSocket } from "../support/raw-socket.ts";
import { runCli, startServe } from "../support/run-cli.ts";
import { openDashboard, openDevice } from "../support/sockets.ts";
import { sampleOf } from "../support/telemetry.ts";

/**
 * Method: good frames of every door are damaged at random and sent to a real server in small lots, each lot on a link of its own with a ping
 * behind it: its pong says that all were taken, unless the server ended the link. A healthy device and its dashboard stand beside it, and every sample
 * must arrive. `FUZZ_FRAMES` says how many (`npm run fuzz` sends 250,000), `FUZZ_SEED` goes through the same ones again.
 */
const frameCount = Number(process.env.FUZZ_FRAMES ?? 4_000);
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 32));

/** mulberry32: small, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomOf(seed);
const below = (bound: number): number => Math.floor(random() * bound);
const oneOf = <T>(list: readonly T[]): T => list[below(list.length)] as T;

const telemetry = JSON.stringify(sampleOf("hostile", { heater: { power: 1.5, on: true, note: "warm" } }));
const smartOs = (type: string, body: string): string => JSON.stringify({ type, message: `0001:hostile_s:${body}` });
/** Good frames, and what has broken parsers before. */
const seeds: Readonly<Record<string, readonly string[]>> = {
  device: [
    telemetry,
    '{"type":"hello","commands":{"SET_MODE":{"target_modes":["AUTO"]}},"parameters":[{"name":"p","type":"integer","minimum":1,"maximum":5}]}',
    '{"type":"command_result","command_id":"cmd_1","status":"done"}',
    '{"type":"peers","subscribe":true}',
  ],
  update: [
    smartOs("INIT", '{"serial_number":"hostile_s","battery":50,"software_version":"1.2"}'),
    smartOs(
      "UPDT",
      "{'battery': 51, 'power_income': 3.5, '_power_inject': 1e3, 'note': 'it\\'s', 'ok': True, 'no': None}",
    ),
    smartOs("CMND", '{"parameters":[{"name":"mode","type":"text","choices":["a","b"]}]}'),
    smartOs("PEER", '{"subscribe":true}'),
    smartOs("INFO", "{}"),
  ],
  client: [
    '{"type":"FILT","message":["filter:serial_number:=:0","sort:battery:<:abc"]}',
    '{"type":"FILT","message":["filter:battery:>=:50.5","filter:software_version:^:1","sort:serial_number:>"]}',
    '{"type":"INIT","message":[]}',
  ],
  dashboard: [telemetry, '{"offset":1}'],
  fleet: ["{}", "hello"],
};
const breakers = [
  "1".repeat(4_000),
  "9".repeat(400),
  "1e999",
  "-0",
  "NaN",
  "[".repeat(2_000),
  '{"a":'.repeat(500),
  "\\".repeat(1_000),
  '"token"'.repeat(300),
  "__proto__",
  "constructor",
  "'''",
  "\\ud800",
  "\u2028",
  "\0",
  ":".repeat(500),
  " ".repeat(5_000),
  "(",
  "0x",
  "1_".repeat(1_000),
];

/** A text as bytes, damaged in one to four places. */
function mutate(text: string): Buffer {
  let bytes = Buffer.from(text);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(bytes.length + 1);
    const to = Math.min(bytes.length, at + 1 + below(20));
    const [head, cut, tail] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
    const changed = oneOf<() => Buffer[]>([
      () => [head, Buffer.from([below(256)]), bytes.subarray(Math.min(bytes.length, at + 1))],
      () => [head, tail],
      () => [head, cut, cut, cut, tail],
      () => [head, Buffer.from(oneOf(breakers)), tail],
      () => [head, Buffer.from(oneOf(breakers)), bytes.subarray(at)],
      () => [head, Buffer.from(oneOf(Object.values(seeds).flat())), tail],
    ]);
    bytes = Buffer.concat(changed());
  }
  // A frame that is too long ends its link, and nothing behind it is read: most are not.
  return random() < 0.99 ? bytes.subarray(0, 16_384) : bytes;
}

/** What cuts a character in two ends the link: most bytes are made text again. */
function payloadOf(door: string): Buffer {
  const bytes = mutate(oneOf(seeds[door] ?? []));
  return random() < 0.97 ? Buffer.from(bytes.toString().slice(0, 5_000)) : bytes;
}

function frameOf(door: string): Buffer {
  const payload = payloadOf(door);
  if (random() < 0.98) return clientFrame(payload);
  const frame = clientFrame(payload, {
    opcode: below(16),
    fin: random() < 0.5,
    masked: random() < 0.8,
    reserved: oneOf([0, 0, 0, below(8)]),
  });
  return random() < 0.8 ? frame : frame.subarray(0, below(frame.length));
}

test(
  `no damaged frame hurts the server or anybody else (FUZZ_SEED=${seed}, ${frameCount} frames)`,
  async () => {
    console.log(`FUZZ_SEED=${seed}`);
    const server = await startServe({
      args: [
        "--smart-os-access=open",
        "--smart-os-auto-register",
        "--smart-os-registered-max=30",
        "--takeover-max=10000000",
        // What is dropped for its rate meets no parser.
        "--limits-messages-burst=1000000",
        "--limits-viewer-frames-burst=1000000",
        "--log-general=all",
      ],
    });
    const hostileToken = await server.addDevice("hostile");
    const device = await openDevice(server.wsUrl, "healthy", await server.addDevice("healthy"));
    const dashboard = await openDashboard(server.wsUrl, "healthy");
    const sent: string[] = [];
    const descriptors = (): number => readdirSync(`/proc/${server.process.child.pid}/fd`).length;
    const before = descriptors();

    const doors: Readonly<Record<string, readonly [path: string, headers?: Record<string, string>]>> = {
      device: [
        "/ws/device/hostile",
        { authorization: `Bearer ${hostileToken}`, "sec-websocket-protocol": "wattboard.v1" },
      ],
      update: ["/update/"],
      client: ["/client/"],
      dashboard: ["/ws/dashboard/healthy"],
      fleet: ["/ws/fleet"],
    };
    let taken = 0;
    /** Above the first queries a web client is answered without a look at them. */
    const lotSize = 20;
    const sendLot = async (door: string): Promise<void> => {
      const [path = "", headers = {}] = doors[door] ?? [];
      const raw = await RawSocket.connect(server.url);
      await raw.handshake(path, headers);
      const lot = Array.from({ length: lotSize }, () => frameOf(door));
      raw.write(...lot, clientFrame("all taken", { opcode: opcodes.ping }));
      await eventually(
        () => {
          const isTaken = raw.frames.some(
            ({ opcode, payload }) => opcode === opcodes.pong && `${payload}` === "all taken",
          );
          if (isTaken) taken += lotSize;
          else if (!raw.isEnded && !raw.frames.some(({ opcode }) => opcode === opcodes.close)) {
            // A frame whose length was a lie swallows what comes behind it: then more has to come.
            raw.write(clientFrame("all taken", { opcode: opcodes.ping }), Buffer.alloc(1_000));
            throw new Error(`the ${door} door neither answers nor ends the link`);
          }
        },
        { withinMs: 30_000 },
      );
      raw.socket.destroy();
    };
    // All doors at once, and as long as most of the lots come through whole.
    for (let tried = 0; taken < frameCount; tried += lotSize * 5) {
      expect(tried).toBeLessThan(frameCount * 5 + 5_000);
      const message = JSON.stringify(sampleOf("healthy", { solar: { power: sent.length } }));
      sent.push(message);
      device.send(message);
      await Promise.all(Object.keys(doors).map(sendLot));
      expect(server.process.isRunning).toBe(true);
    }

    // Each sample of the healthy device has arrived, in its order and byte for byte.
    expect(await dashboard.receive(sent.length)).toEqual(sent);
    expect(await readiness(server)).toMatchObject({ status: "ready" });
    expect(await metric(server, 'wattboard_connections{role="fleet"}')).toBeLessThan(5);
    // Nothing is left open of those who are gone.
    await eventually(() => expect(descriptors()).toBeLessThanOrEqual(before + 8), { withinMs: 15_000 });
    expect((await server.stop()).code).toBe(0);
    expect(server.logs().filter(({ level, err }) => level === "error" || err !== undefined)).toEqual([]);
    const verified = await runCli(["store", "verify", "--data-dir", server.dataDir]);
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining("All is well")]);
  },
  Math.max(180_000, frameCount * 30),
);
