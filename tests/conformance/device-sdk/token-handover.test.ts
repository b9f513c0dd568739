// A new token comes over the device's link (docs/reference/wire.md): it is stored before it is acknowledged, and used from then on.

import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "@wattboard/testing";
import { expect, test } from "vitest";
import { type ScriptedLink, startScriptedServer } from "./scripted-server.ts";
import { forEachSdk, journalFolder } from "./sdk-process.ts";

const given = "a-token-of-the-suite";
const handed = { type: "token", token_id: "5f0c", token: "wb_another-token" };

function tokenOf({ request }: ScriptedLink): string | undefined {
  return request.headers.authorization?.replace("Bearer ", "");
}

async function acknowledged(link: ScriptedLink, count = 1) {
  return await eventually(
    () => {
      const frames = link.frames("token_stored");
      expect(frames).toHaveLength(count);
      return frames;
    },
    { withinMs: 20_000 },
  );
}

forEachSdk("a token from the server", (sdk) => {
  test("is offered to be taken, stored for its owner alone, acknowledged, and used for the next link and after a restart", async () => {
    const server = await startScriptedServer();
    const journal = journalFolder();
    const device = sdk.start({ url: server.url, journal });
    const first = await server.link(0);
    expect(await first.hello()).toMatchObject({ takes_tokens: true });
    expect(tokenOf(first)).toBe(given);
    first.send(handed);
    expect(await acknowledged(first)).toEqual([{ type: "token_stored", token_id: "5f0c" }]);
    const file = join(journal, "token.json");
    expect(readFileSync(file, "utf8")).toContain(handed.token);
    expect(statSync(file).mode & 0o077).toBe(0);
    first.close(4001, "token renewed");
    expect(tokenOf(await server.link(1))).toBe(handed.token);
    const waiting = device.of("status").find(({ state }) => state === "waiting");
    expect([waiting?.code, (waiting?.retryInS ?? 99) <= 9]).toEqual(["closed", true]);
    await device.kill();
    sdk.start({ url: server.url, journal });
    expect(tokenOf(await server.link(2))).toBe(handed.token);
    expect(JSON.stringify(device.events)).not.toContain(handed.token);
  });

  test("is acknowledged again where it comes again", async () => {
    const server = await startScriptedServer();
    sdk.start({ url: server.url, journal: journalFolder() });
    const link = await server.link(0);
    await link.hello();
    link.send(handed);
    await acknowledged(link);
    link.send(handed);
    await acknowledged(link, 2);
  });

  test("that is refused gives way to the one that was given, soon; and where both are, only then slowly", async () => {
    const server = await startScriptedServer();
    const device = sdk.start({ url: server.url, journal: journalFolder() });
    const link = await server.link(0);
    await link.hello();
    link.send(handed);
    await acknowledged(link);
    server.answer = { status: 403 };
    link.close(4001, "token renewed");
    await eventually(() => expect(device.of("status").at(-1)?.code).toBe("forbidden"), { withinMs: 20_000 });
    const outages = device.of("status").filter(({ state }) => state === "waiting");
    expect(outages.map(({ code }) => code)).toEqual(["closed", "closed", "forbidden"]);
    expect(outages[1]?.retryInS).toBeLessThanOrEqual(10);
    expect(outages[2]?.retryInS).toBeGreaterThanOrEqual(48);
    server.answer = undefined;
    expect(tokenOf(await server.link(1))).toBe(handed.token);
  });

  test("that the server has forgotten: the device comes with the one that it was given, and stays with it", async () => {
    const server = await startScriptedServer();
    const device = sdk.start({ url: server.url, journal: journalFolder() });
    const link = await server.link(0);
    await link.hello();
    link.send(handed);
    await acknowledged(link);
    server.knows = (token) => token === given;
    link.close(4001, "token renewed");
    const back = await server.link(1);
    expect(tokenOf(back)).toBe(given);
    await back.hello();
    back.cut();
    expect(tokenOf(await server.link(2))).toBe(given);
    expect(device.of("status").filter(({ code }) => code === "forbidden")).toEqual([]);
  });

  test("that cannot be stored is not acknowledged, and not used", async () => {
    const server = await startScriptedServer();
    const journal = journalFolder();
    // Nothing can be put in the place of a folder that is there.
    mkdirSync(join(journal, "token.json", "in the way"), { recursive: true });
    const device = sdk.start({ url: server.url, journal });
    const link = await server.link(0);
    await link.hello();
    link.send(handed);
    await eventually(() => expect(device.of("notice").map(({ code }) => code)).toContain("token_not_stored"));
    expect(link.frames("token_stored")).toEqual([]);
    link.cut();
    expect(tokenOf(await server.link(1))).toBe(given);
  });

  test("that is none is passed over", async () => {
    const server = await startScriptedServer();
    sdk.start({ url: server.url, journal: journalFolder() });
    const link = await server.link(0);
    await link.hello();
    for (const token of [undefined, 7, "", "two words", "a\nb", "päss"]) link.send({ ...handed, token });
    link.send({ ...handed, token_id: "last" });
    expect(await acknowledged(link)).toEqual([{ type: "token_stored", token_id: "last" }]);
  });

  test("does not come to a device that keeps nothing on the disk: it does not offer to take one", async () => {
    const server = await startScriptedServer();
    sdk.start({ url: server.url, journal: "memory" });
    const link = await server.link(0);
    expect(await link.hello()).not.toHaveProperty("takes_tokens");
    link.send(handed);
    await link.settle();
    link.cut();
    const next = await server.link(1);
    expect(tokenOf(next)).toBe(given);
    expect(link.frames("token_stored")).toEqual([]);
  });

  test("stored for one server is not shown to another", async () => {
    const journal = journalFolder();
    const server = await startScriptedServer();
    const device = sdk.start({ url: server.url, journal });
    const link = await server.link(0);
    await link.hello();
    link.send(handed);
    await acknowledged(link);
    await device.kill();
    const other = await startScriptedServer();
    sdk.start({ url: other.url, journal });
    expect(tokenOf(await other.link(0))).toBe(given);
  });
});
