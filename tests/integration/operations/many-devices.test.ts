import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DeviceBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { makeFolder, runCli, runJson, type ServeProcess, startServe } from "../../support/run-cli.ts";
import { openSocket, tryOpenSocket } from "../../support/sockets.ts";

async function start(csv: string, args: string[] = []) {
  const server = await startServe({ args });
  const folder = makeFolder();
  const at = ["--data-dir", server.dataDir];
  writeFileSync(join(folder, "devices.csv"), csv);
  const run = (...words: string[]) => runCli(["device", ...words, ...at], { cwd: folder });
  return { server, folder, at, run, file: (name: string) => join(folder, name) };
}

/** The rows of a result by id. */
function resultOf(path: string): Map<string, { token: string; outcome: string }> {
  const [head, ...rows] = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(head).toBe("id,token,outcome");
  return new Map(
    rows.map((row) => row.split(",")).map(([id = "", token = "", outcome = ""]) => [id, { token, outcome }]),
  );
}

async function letsIn(server: ServeProcess, id: string, token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` };
  return !("status" in (await tryOpenSocket(`${server.wsUrl}/ws/device/${id}`, { headers })));
}

const threeDevices = "id,name,place,token\na,Cellar,Uppsala,\nb,,Vienna,\nc,Roof,,a-token-of-its-own\n";

describe("device add --from-file", () => {
  test("registers all, with name and properties, and writes their tokens into a file that its owner alone reads", async () => {
    const { server, at, file, run } = await start(threeDevices);
    expect((await run("add", "--from-file", file("devices.csv"), "--dry-run")).stdout).toContain("3 devices");
    expect(await runJson<DeviceBody[]>(["device", "list", ...at])).toEqual([]);
    expect((await run("add", "--from-file", file("devices.csv"), "--result", file("tokens.csv"))).stdout).toContain(
      "3 added",
    );
    const found = await runJson<DeviceBody[]>(["device", "list", ...at]);
    expect(found.map(({ name, properties }) => [name, properties])).toEqual([
      ["Cellar", { place: "Uppsala" }],
      ["b", { place: "Vienna" }],
      ["Roof", {}],
    ]);
    expect(statSync(file("tokens.csv")).mode & 0o077).toBe(0);
    const result = resultOf(file("tokens.csv"));
    expect(result.get("c")?.token).toBe("a-token-of-its-own");
    for (const [id, { token }] of result) expect(await letsIn(server, id, token)).toBe(true);
  });

  test("given again it does nothing but what is missing, with the tokens that it wrote down before", async () => {
    const { server, file, run } = await start("id\na\nb\n");
    // As it is left where the command was killed before the server had answered.
    writeFileSync(file("tokens.csv"), "id,token,outcome\na,the-token-of-device-a,not done yet\n");
    await run("add", "--from-file", file("devices.csv"), "--result", file("tokens.csv"));
    const first = resultOf(file("tokens.csv"));
    expect(first.get("a")).toEqual({ token: "the-token-of-device-a", outcome: "added" });
    await run("add", "--from-file", file("devices.csv"), "--result", file("tokens.csv"));
    expect(resultOf(file("tokens.csv"))).toEqual(first);
    for (const [id, { token }] of first) expect(await letsIn(server, id, token)).toBe(true);
    const other = await run("add", "--from-file", file("devices.csv"), "--result", file("other.csv"));
    expect(other.stdout).toContain("2 exists already");
    expect(resultOf(file("other.csv")).get("a")).toEqual({ token: "", outcome: "exists already" });
  });

  test.each([
    ["no column id", "name\na\n", "line 2: the column id"],
    ["a column that is no property", "id,Place of\na,b\n", '"Place of"'],
    ["a quote that is never closed", 'id,name\n"a,b\n', "line"],
    ["cells without a head", "id\na,b\n", "line 2 has 2 cells"],
  ])("a file with %s is refused with the place, and nothing is registered", async (_, csv, what) => {
    const { at, file, run } = await start(csv);
    expect(await run("add", "--from-file", file("devices.csv"), "--result", file("tokens.csv"))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(what),
    });
    expect(await runJson(["device", "list", ...at])).toEqual([]);
  });
});

describe("device rotate with many", () => {
  test("those that take tokens get them over their links; the file says who needs theirs by hand", async () => {
    const { server, file, run } = await start("id,site\na,harbour\nb,harbour\nc,hill\n");
    await run("add", "--from-file", file("devices.csv"), "--result", file("tokens.csv"));
    const before = resultOf(file("tokens.csv"));
    const open = (id: string, token: string) =>
      openSocket(`${server.wsUrl}/ws/device/${id}`, {
        headers: { authorization: `Bearer ${token}` },
        protocols: ["wattboard.v1"],
      });
    const taking = await open("a", before.get("a")?.token ?? "");
    taking.send({ type: "hello", takes_tokens: true });
    const plain = await open("b", before.get("b")?.token ?? "");
    plain.send({ type: "hello" });
    for (const device of [taking, plain]) {
      device.send({ type: "peers", subscribe: true });
      await eventually(() => expect(device.received.join()).toContain('"device_ids"'));
    }
    expect((await run("rotate", "--where", "properties.site = harbour", "--dry-run")).stdout).toContain(
      "2 devices would be rotated; 2 of them are connected",
    );
    const rotated = run("rotate", "--where", "properties.site = harbour", "--result", file("new.csv"));
    const frame = await eventually(() => {
      const text = taking.received.find((each) => each.includes('"type":"token"'));
      if (text === undefined) throw new Error("no token yet");
      return JSON.parse(text) as { token: string; token_id: string };
    });
    taking.send({ type: "token_stored", token_id: frame.token_id });
    await taking.closed;
    await open("a", frame.token);
    expect((await rotated).stdout).toContain("1 handed over");
    const result = resultOf(file("new.csv"));
    expect([...result].map(([id, { outcome }]) => [id, outcome])).toEqual([
      ["a", "handed over"],
      ["b", "to be given by hand"],
    ]);
    expect(result.get("a")?.token).toBe(frame.token);
    // Given again it rotates nothing anew.
    await run("rotate", "a", "b", "--result", file("new.csv"));
    expect(resultOf(file("new.csv")).get("b")).toEqual(result.get("b"));
    expect(await letsIn(server, "b", result.get("b")?.token ?? "")).toBe(true);
    expect(await letsIn(server, "c", before.get("c")?.token ?? "")).toBe(true);
  });

  test.each([
    ["what is measured", ["--where", "battery.soc > 50"], "picked by id, name, online and properties"],
    ["two ways at once", ["a", "--all"], "one of --all"],
    ["a device that is not there", ["a", "nobody"], "Nothing was done"],
    ["no file for the result", ["--all"], "--result"],
  ])("%s is refused, and nothing is rotated", async (_, words, what) => {
    const { server, file, run } = await start("id\na\n");
    await run("add", "--from-file", file("devices.csv"), "--result", file("tokens.csv"));
    const refused = await run("rotate", ...words, ...(what === "--result" ? [] : ["--result", file("new.csv")]));
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(what) });
    expect(await letsIn(server, "a", resultOf(file("tokens.csv")).get("a")?.token ?? "")).toBe(true);
  });
});

test("device labels prints sheets, and says where it cannot", async () => {
  const { file, run, server } = await start("id\na\nb\n", ["--public-url=https://board.example.org"]);
  await run("add", "--from-file", file("devices.csv"), "--result", file("tokens.csv"));
  expect((await run("labels", "--all", "--dry-run")).stdout).toContain("2 labels");
  const printed = await run("labels", "--all", "--out", file("labels.pdf"));
  expect(printed.stdout).toContain("2 labels are in");
  expect(readFileSync(file("labels.pdf")).subarray(0, 5).toString()).toBe("%PDF-");
  expect(statSync(file("labels.pdf")).mode & 0o077).toBe(0);
  await server.stop();
  expect(await run("labels", "a", "--out", file("more.pdf"))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("public_url"),
  });
});
