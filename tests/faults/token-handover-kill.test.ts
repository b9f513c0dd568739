// A device gets a new token over its link, and one of the two is killed (-9) somewhere on the way. At each moment the device holds a token that lets it in.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RotatedBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { forEachSdk, journalFolder } from "../conformance/device-sdk/sdk-process.ts";
import { deviceDetail } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { createAdministrator } from "../support/people.ts";
import { makeFolder, type ServeProcess, startServe } from "../support/run-cli.ts";
import { openSocket, type TestSocket, tryOpenSocket } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";

const slow = { withinMs: 30_000 };

describe("the server is killed", () => {
  const moments = ["after the rotation", "after the offer", "after the device has answered", "after it has come again"];

  test.each(moments)("%s", async (moment) => {
    const dataDir = makeFolder();
    let server = await startServe({ dataDir });
    const held = [await server.addDevice("ems_001")];
    const first = await open(server, held[0] ?? "");
    await takesTokens(first);
    const { token } = await rotate(server);
    if (moment !== "after the rotation") {
      const frame = await tokenFrame(first);
      held.push(frame.token);
      if (moment !== "after the offer") {
        first.send({ type: "token_stored", token_id: frame.token_id });
        expect((await first.closed).code).toBe(4001);
      }
      if (moment === "after it has come again") await open(server, token);
    }
    server.process.signal("SIGKILL");
    await server.process.exit();
    server = await startServe({ dataDir });
    const answers = await Promise.all(held.map((each) => letsIn(server, each)));
    expect(answers, `of ${held.length} tokens that the device holds`).toContain(true);
    if (held.length > 1) {
      // What it has stored is what it comes with, and that ends the one before.
      expect(answers.at(-1)).toBe(true);
      expect(await letsIn(server, held[0] ?? "")).toBe(false);
      return;
    }
    const back = await open(server, held[0] ?? "");
    expect((await tokenFrame(back)).token).toBe(token);
  });
});

forEachSdk("the device is killed", (sdk) => {
  test("at each step of four rotations in a row: it comes again by itself, and each is finished", async () => {
    const server = await startServer();
    const admin = await createAdministrator(server);
    server.devices.add({ deviceId: "ems_001", token: "a-token-of-the-suite" });
    const journal = journalFolder();
    const file = join(journal, "token.json");
    const stored = () => (existsSync(file) ? readFileSync(file, "utf8") : "");
    const rotation = async () => (await deviceDetail(server, "ems_001")).rotation;
    const isThere = async () => {
      expect((await deviceDetail(server, "ems_001")).online).toBe(true);
    };
    const steps: readonly ((before: string) => Promise<void>)[] = [
      async () => {},
      async (before) => expect(stored()).not.toBe(before),
      async () => expect((await rotation())?.state ?? "used").toMatch(/stored|used/),
      async () => expect(await rotation()).toBeNull(),
    ];
    for (const isDue of steps) {
      let device = sdk.start({ url: server.url, journal });
      await eventually(isThere, slow);
      const before = stored();
      await admin.json("POST", "/devices/ems_001/rotate", {});
      await eventually(() => isDue(before), slow);
      await device.kill();
      device = sdk.start({ url: server.url, journal });
      await eventually(async () => {
        expect(await rotation()).toBeNull();
        await isThere();
      }, slow);
      expect(device.of("status").filter(({ code }) => code === "forbidden")).toEqual([]);
      await device.kill();
    }
  });
});

function open(server: ServeProcess, token: string): Promise<TestSocket> {
  return openSocket(`${server.wsUrl}/ws/device/ems_001`, {
    headers: { authorization: `Bearer ${token}` },
    protocols: ["wattboard.v1"],
  }).then((socket) => {
    socket.send({ type: "hello", takes_tokens: true });
    return socket;
  });
}

async function letsIn(server: ServeProcess, token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` };
  return !("status" in (await tryOpenSocket(`${server.wsUrl}/ws/device/ems_001`, { headers })));
}

/** The hello has been read: a question behind it is answered. */
async function takesTokens(device: TestSocket): Promise<void> {
  device.send({ type: "peers", subscribe: true });
  await eventually(() => expect(device.received.join()).toContain('"device_ids"'));
}

async function rotate(server: ServeProcess): Promise<RotatedBody> {
  const control = JSON.parse(readFileSync(join(server.dataDir, "control.json"), "utf8")) as {
    url: string;
    token: string;
  };
  const answer = await fetch(`${control.url}/api/v1/devices/ems_001/rotate`, {
    method: "POST",
    headers: { authorization: `Bearer ${control.token}` },
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as RotatedBody;
}

async function tokenFrame(device: TestSocket): Promise<{ readonly token: string; readonly token_id: string }> {
  return await eventually(() => {
    const frame = device.received.map((text) => JSON.parse(text)).find(({ type }) => type === "token");
    if (frame === undefined) throw new Error(`no token: ${device.received.join()}`);
    return frame;
  });
}
