import { ManualClock } from "@wattboard/testing";
import { describe, expect, test } from "vitest";
import { deviceDetail, metric, samplesCounted } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { type HealthyDevice, openWitness } from "../support/healthy-device.ts";
import { clientFrame, type FrameShape, opcodes, openRawDevice, RawSocket } from "../support/raw-socket.ts";
import { openDashboard, openDevice } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/** Method: one device sends something hostile on a raw socket; then it must be cut as said, and another device must be served as before. */

interface Scene {
  readonly server: TestServer;
  readonly clock: ManualClock;
  readonly witness: HealthyDevice;
  readonly hostile: RawSocket;
  readonly token: string;
}

async function openScene(): Promise<Scene> {
  // Time stands still, so that nothing here passes because of a time-out.
  const clock = new ManualClock(Date.now());
  const server = await startServer({ clock });
  const witness = await openWitness(server);
  const token = server.addDevice("hostile");
  return { server, clock, witness, token, hostile: await openRawDevice(server.url, "hostile", token) };
}

/** The device can come back at once, and its samples count. */
async function comesBack({ server, token }: Scene): Promise<void> {
  const device = await openDevice(server.wsUrl, "hostile", token);
  const acceptedBefore = await samplesCounted(server, "accepted");
  device.send(sampleOf("hostile"));
  await eventually(async () => expect(await samplesCounted(server, "accepted")).toBe(acceptedBefore + 1));
}

const text = JSON.stringify(sampleOf("hostile"));
const padded = (bytes: number): string => text.padEnd(bytes, " ");

const closing: readonly [what: string, bytes: () => Buffer[], code: number][] = [
  ["a binary frame", () => [clientFrame(text, { opcode: opcodes.binary })], 1003],
  [
    "a binary message in fragments",
    () => [
      clientFrame("a", { opcode: opcodes.binary, fin: false }),
      clientFrame("b", { opcode: opcodes.continuation }),
    ],
    1003,
  ],
  ["broken UTF-8", () => [clientFrame(Buffer.from([0x22, 0xc3, 0x28, 0x22]))], 1007],
  ["UTF-8 that is cut off in the middle of a letter", () => [clientFrame(Buffer.from([0x22, 0xf0, 0x9f, 0x94]))], 1007],
  ["a lone surrogate in UTF-8", () => [clientFrame(Buffer.from([0xed, 0xa0, 0x80]))], 1007],
  ["a frame of 16 KiB and one byte", () => [clientFrame(padded(16 * 1024 + 1))], 1009],
  ["a frame of 1 MB", () => [clientFrame(padded(1_000_000))], 1009],
  ["a header that claims 2^62 bytes", () => [clientFrame("", { claimedBytes: 2 ** 62 })], 1009],
  ["a header that claims 1 GB, and nothing behind it", () => [clientFrame("", { claimedBytes: 2 ** 30 })], 1009],
  [
    "fragments that add up to more than 16 KiB",
    () => [clientFrame(padded(10_000), { fin: false }), clientFrame(padded(10_000), { opcode: opcodes.continuation })],
    1009,
  ],
  [
    "10,000 fragments",
    () => [
      clientFrame("{", { fin: false }),
      ...Array.from({ length: 10_000 }, () => clientFrame(" ", { opcode: opcodes.continuation, fin: false })),
    ],
    1008,
  ],
  [
    "10,000 empty fragments",
    () => [
      clientFrame("", { fin: false }),
      ...Array.from({ length: 10_000 }, () => clientFrame("", { opcode: opcodes.continuation, fin: false })),
    ],
    1008,
  ],
  ["a frame without a mask", () => [clientFrame(text, { masked: false })], 1002],
  ["a reserved bit, as if it were compressed", () => [clientFrame(text, { reserved: 4 })], 1002],
  ["all reserved bits", () => [clientFrame(text, { reserved: 7 })], 1002],
  ["an opcode that does not exist", () => [clientFrame(text, { opcode: 5 })], 1002],
  ["a continuation of nothing", () => [clientFrame(text, { opcode: opcodes.continuation })], 1002],
  ["a new message inside a fragmented one", () => [clientFrame("a", { fin: false }), clientFrame("b")], 1002],
  ["a ping in fragments", () => [clientFrame("a", { opcode: opcodes.ping, fin: false })], 1002],
  ["a ping of 126 bytes", () => [clientFrame("x".repeat(126), { opcode: opcodes.ping })], 1002],
  ["a close frame with a code of one byte", () => [clientFrame("x", { opcode: opcodes.close })], 1002],
  [
    "a close frame with a code that may not be sent",
    () => [clientFrame(Buffer.from([0x03, 0xed]), { opcode: opcodes.close })],
    1002,
  ],
];

describe("a frame that breaks the protocol ends only its own link, with a code that says why", () => {
  test.for(closing)("%s", async ([, bytes, code]) => {
    const scene = await openScene();
    const { server, clock, hostile, witness } = scene;
    hostile.write(...bytes());
    expect((await hostile.closeFrame()).code).toBe(code);
    await witness.isServed();
    // The hostile peer does not answer the close; two seconds later it is gone all the same.
    clock.advance(2_000);
    await hostile.ended();
    await eventually(async () => expect((await deviceDetail(server, "hostile")).online).toBe(false));
    expect(await metric(server, 'wattboard_connections{role="device"}')).toBe(1);
    await witness.isServed();
    await comesBack(scene);
  });
});

const tolerated: readonly [what: string, frames: readonly [payload: string, shape?: FrameShape][]][] = [
  ["a frame of exactly 16 KiB", [[padded(16 * 1024)]]],
  [
    "a message in three fragments with a ping between them",
    [
      [text.slice(0, 10), { fin: false }],
      ["are you there?", { opcode: opcodes.ping }],
      [text.slice(10, 20), { opcode: opcodes.continuation, fin: false }],
      [text.slice(20), { opcode: opcodes.continuation }],
    ],
  ],
  ["a pong that nobody asked for", [["hello", { opcode: opcodes.pong }], [text]]],
];

describe("what the protocol allows comes through", () => {
  test.for(tolerated)("%s", async ([, frames]) => {
    const { server, hostile } = await openScene();
    const dashboard = await openDashboard(server.wsUrl, "hostile");
    hostile.write(...frames.map(([payload, shape]) => clientFrame(payload, shape)));
    expect((await dashboard.receive(1))[0]?.trim()).toBe(text);
  });

  test("a message that trickles in byte by byte, header included", async () => {
    const { server, hostile } = await openScene();
    const dashboard = await openDashboard(server.wsUrl, "hostile");
    for (const byte of clientFrame(text)) {
      hostile.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await dashboard.receive(1)).toEqual([text]);
  });

  test("frames right behind the handshake, before its answer", async () => {
    const { server, witness } = await openScene();
    const token = server.addDevice("eager");
    const dashboard = await openDashboard(server.wsUrl, "eager");
    const eager = await RawSocket.connect(server.url);
    const message = JSON.stringify(sampleOf("eager"));
    const headers = { authorization: `Bearer ${token}` };
    const answer = await eager.handshake("/ws/device/eager", headers, clientFrame(message), clientFrame(message));
    expect(answer.status).toBe(101);
    expect(await dashboard.receive(2)).toEqual([message, message]);
    await witness.isServed();
  });
});

describe("floods", () => {
  test("a device that floods pings and reads no pongs is cut", async () => {
    const scene = await openScene();
    const { server, hostile, witness } = scene;
    hostile.socket.pause();
    const pings = Buffer.concat(
      Array.from({ length: 2_000 }, () => clientFrame("x".repeat(125), { opcode: opcodes.ping })),
    );
    // Until what the kernel takes is full, and a mebibyte of pongs more.
    await eventually(
      async () => {
        if (hostile.socket.writableLength < 4 * pings.length) hostile.write(pings, pings, pings, pings);
        expect((await deviceDetail(server, "hostile")).online).toBe(false);
      },
      { withinMs: 15_000 },
    );
    await witness.isServed();
    await comesBack(scene);
  });

  test("a device that floods samples harms nobody else: the excess is dropped, others are served meanwhile", async () => {
    const { server, hostile, witness } = await openScene();
    const burst = Buffer.concat(Array.from({ length: 500 }, () => clientFrame(text)));
    for (let bursts = 0; bursts < 10; bursts++) {
      hostile.write(burst);
      await witness.isServed();
    }
    await eventually(async () => expect(await samplesCounted(server, "rate_limited")).toBe(4_000));
    expect((await deviceDetail(server, "hostile")).accepted).toBe(1_000);
  });

  test("a device that vanishes in the middle of a frame leaves nothing behind", async () => {
    const scene = await openScene();
    const { server, hostile, witness } = scene;
    hostile.write(clientFrame(text).subarray(0, 20));
    hostile.socket.destroy();
    await eventually(async () => expect((await deviceDetail(server, "hostile")).online).toBe(false));
    expect((await deviceDetail(server, "hostile")).accepted).toBe(0);
    await witness.isServed();
    await comesBack(scene);
  });
});
