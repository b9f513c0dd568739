import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { inTime } from "../../support/eventually.ts";
import {
  CliProcess,
  makeFolder,
  openInput,
  runCli,
  runJson,
  type ServeProcess,
  startServe,
  untilFileEnds,
} from "../../support/run-cli.ts";
import { openDevice, tryOpenSocket } from "../../support/sockets.ts";

const until = untilFileEnds();
/** The operator's own token of the seeds. */
const seedToken = "sBrIr9wSkn@d*]@z6";
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

let server: ServeProcess;
let adminToken: string;
beforeAll(async () => {
  server = await startServe({ until });
  const made = await runJson<{ token: string }>(
    ["api-token", "add", "--create-folder", "root", "--role", "admin", ...at()],
    { until },
  );
  adminToken = made.token;
});

const at = () => ["--data-dir", server.dataDir];

function asAdmin(path: string, body: object): Promise<Response> {
  return fetch(`${server.url}/api/v1${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** The status of a device's handshake with this `Authorization`; 101 where it is let in. */
async function knock(deviceId: string, authorization?: string): Promise<number> {
  const headers = authorization === undefined ? {} : { authorization };
  const answer = await tryOpenSocket(`${server.wsUrl}/ws/device/${deviceId}`, { headers });
  return "status" in answer ? answer.status : 101;
}

describe("a token made by Wattboard", () => {
  test("is wb_, 256 random bits in base62 and a checksum of them", async () => {
    await asAdmin("/devices", { device_id: "lottery" });
    const count = 400;
    const ones = Array.from({ length: 256 }, () => 0);
    const seen = new Set<string>();
    for (let n = 0; n < count; n++) {
      const { token } = (await (await asAdmin("/devices/lottery/rotate", { overlap_s: 0 })).json()) as {
        token: string;
      };
      seen.add(token);
      const [, secret = "", sum] = /^wb_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/.exec(token) ?? [];
      expect(decode(sum ?? "")).toBe(BigInt(crc32(secret)));
      const value = decode(secret);
      expect(value >> 256n).toBe(0n);
      for (let bit = 0; bit < 256; bit++) ones[bit] = (ones[bit] ?? 0) + Number((value >> BigInt(bit)) & 1n);
    }
    expect(seen.size).toBe(count);
    // Each bit is a fair coin: 400 throws, standard deviation 10; 6 of them are passed by chance once in 2 million runs of this test.
    for (const heads of ones) expect(Math.abs(heads - count / 2)).toBeLessThan(60);
  });

  test("is nowhere in the data folder, neither while the server runs nor after; nor is one of the operator's own", async () => {
    const folder = makeFolder();
    const dir = ["--data-dir", folder];
    const before = await runJson<{ token: string }>(["device", "add", "--create-folder", "a", ...dir]);
    const running = await startServe({ dataDir: folder });
    const secrets = [
      before.token,
      await running.addDevice("b"),
      (await runJson<{ token: string }>(["device", "rotate", "a", ...dir])).token,
      (await runJson<{ token: string }>(["api-token", "add", "--create-folder", "c", "--role", "admin", ...dir])).token,
      seedToken,
    ];
    await runCli(["device", "add", "--create-folder", "own", "--token-file", "-", ...dir], { input: seedToken });
    const files = () => readdirSync(folder).map((name) => join(folder, name));
    const leaks = () =>
      files().flatMap((file) => {
        const content = readFileSync(file);
        return secrets.filter((secret) => content.includes(secret) || content.includes(secret.slice(3, -6)));
      });
    expect(files().length).toBeGreaterThan(2);
    expect(leaks()).toEqual([]);
    await running.stop();
    expect(files().map((file) => file.slice(folder.length + 1))).toContain("access.db");
    expect(leaks()).toEqual([]);
    // Nobody else on the machine may try the hashes out either.
    expect(statSync(join(folder, "access.db")).mode & 0o077).toBe(0);
  });
});

describe("a token of the operator's own", () => {
  test("is taken from a file or from standard input, with or without a newline, and lets the device in", async () => {
    const file = join(makeFolder(), "token.txt");
    writeFileSync(file, `${seedToken}\n`);
    const fromFile = await runJson(["device", "add", "--create-folder", "from_file", "--token-file", file, ...at()]);
    expect(fromFile).toEqual({ device_id: "from_file", token: seedToken });
    const words = await runCli(["device", "add", "--create-folder", "from_stdin", "--token-file", "-", ...at()], {
      input: seedToken,
    });
    expect(words.code).toBe(0);
    // Who brings it along knows it already.
    expect(words.stdout).not.toContain(seedToken);
    const rotated = await runCli(["device", "rotate", "from_stdin", "--overlap", "0s", "--token-file", "-", ...at()], {
      input: "0123456789abcdef\r\n",
    });
    expect(rotated.code).toBe(0);

    expect(await knock("from_file", `Bearer ${seedToken}`)).toBe(101);
    expect(await knock("from_stdin", "Bearer 0123456789abcdef")).toBe(101);
    expect(await knock("from_stdin", `Bearer ${seedToken}`)).toBe(403);
  });

  test("may come slowly on standard input", async () => {
    const args = ["device", "add", "--create-folder", "slow", "--token-file", "-", ...at()];
    const add = new CliProcess(args, { input: openInput });
    add.child.stdin?.write(seedToken.slice(0, 5));
    // Another command that was begun later and is done: by now this one waits for the rest.
    await runCli(["device", "list", ...at()]);
    expect(add.isRunning).toBe(true);
    add.child.stdin?.end(seedToken.slice(5));
    expect((await add.exit()).stderr).toBe("");
    expect(await knock("slow", `Bearer ${seedToken}`)).toBe(101);
  });

  test("is refused where it is too short, too long or not plain text, with what is wrong and without the token", async () => {
    const cases = [
      ["0123456789abcde", "15 characters; at least 16"],
      ["", "0 characters"],
      ["x".repeat(257), "at most 256"],
      ["correct horse battery", "no blanks"],
      ["0123456789abcdef\n0123456789abcdef\n", "no blanks"],
      ["pässwörd-pässwörd", "ASCII"],
    ] as const;
    for (const [input, message] of cases) {
      const refused = await runCli(["device", "add", "--create-folder", "refused", "--token-file", "-", ...at()], {
        input,
      });
      expect([input, refused.code, refused.stdout]).toEqual([input, 2, ""]);
      expect(refused.stderr).toContain(message);
      if (input !== "") expect(refused.stderr).not.toContain(input.trim());
    }
    const missing = await runCli([
      "device",
      "add",
      "--create-folder",
      "refused",
      "--token-file",
      "/nowhere/token",
      ...at(),
    ]);
    expect([missing.code, missing.stdout]).toEqual([2, ""]);
    expect(missing.stderr).toContain("The token file /nowhere/token cannot be read");
    const listed = await runJson<{ device_id: string }[]>(["device", "list", ...at()]);
    expect(listed.map(({ device_id: id }) => id)).not.toContain("refused");
  });

  test("is refused where it is one of Wattboard's, mistyped or cut off", async () => {
    const token = await server.addDevice("printed");
    const swapped = token.replace(/(.)(?!\1)(.)(.{1,10})$/, "$2$1$3");
    const other = token.at(20) === "x" ? "y" : "x";
    const mistyped = [
      token.slice(0, 20) + other + token.slice(21),
      swapped,
      token.slice(0, -1),
      `${token}0`,
      token.slice(0, 30),
    ];
    for (const wrong of mistyped) {
      expect(wrong).not.toBe(token);
      const answer = await asAdmin("/devices", { device_id: "mistyped", token: wrong });
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain("checksum");
    }
    const typed = await runCli(["device", "add", "--create-folder", "mistyped", "--token-file", "-", ...at()], {
      input: mistyped[0] ?? "",
    });
    expect([typed.code, typed.stderr]).toEqual([2, expect.stringContaining("mistyped or cut off")]);
    // The very same token is fine: a device may move to another server with what it has.
    expect((await asAdmin("/devices", { device_id: "moved", token })).status).toBe(201);
    expect(await knock("moved", `Bearer ${token}`)).toBe(101);
  });

  test("is never taken from the command line, where the whole machine could read it", async () => {
    for (const verb of ["add", "rotate"]) {
      for (const args of [["--token", seedToken], [seedToken], [`--token-file=${seedToken}`]]) {
        const { code, stdout } = await runCli(["device", verb, "argued", ...args, ...at()]);
        expect([verb, args, code, stdout]).toEqual([verb, args, 2, ""]);
      }
    }
  });
});

describe("a token that is void", () => {
  test.each([
    ["revoke", []],
    ["rotate", ["--overlap", "0s"]],
    ["remove", []],
  ])("after %s, closes the live connection within a second, with 1008, and lets nobody in", async (verb, more) => {
    const deviceId = `void_by_${verb}`;
    const token = await server.addDevice(deviceId);
    const device = await openDevice(server.wsUrl, deviceId, token);
    expect((await runCli(["device", verb, deviceId, ...more, ...at()])).code).toBe(0);
    // The command ends after the change is made, so this is the whole second, and more.
    const late = new Promise((_, reject) =>
      setTimeout(() => reject(new Error("still open after a second")), inTime(1_000)).unref(),
    );
    expect(await Promise.race([device.closed, late])).toEqual({ code: 1008, reason: "revoked" });
    expect(await knock(deviceId, `Bearer ${token}`)).toBe(403);
  });

  test.each([
    ["nothing at all", {}],
    ["JSON that is announced and does not come", { headers: { "content-type": "application/json" } }],
    ["an empty object", { headers: { "content-type": "application/json" }, body: "{}" }],
  ])("the API makes a new token where the body is %s", async (what, request: RequestInit) => {
    const id = `bodiless_${what.length}`;
    await server.addDevice(id);
    const response = await fetch(`${server.url}/api/v1/devices/${id}/rotate`, {
      method: "POST",
      ...request,
      headers: { ...request.headers, authorization: `Bearer ${adminToken}` },
    });
    expect([response.status, await response.json()]).toEqual([
      200,
      expect.objectContaining({ token: expect.any(String) }),
    ]);
  });

  test("lets the device in again once it is rotated", async () => {
    await server.addDevice("returning");
    await runCli(["device", "revoke", "returning", ...at()]);
    const { token } = await runJson<{ token: string }>(["device", "rotate", "returning", ...at()]);
    expect(await knock("returning", `Bearer ${token}`)).toBe(101);
  });
});

test("whoever is refused at the device door gets one answer, whatever the reason", async () => {
  const token = await server.addDevice("known");
  const revokedToken = await server.addDevice("revoked");
  await runCli(["device", "revoke", "revoked", ...at()]);
  const cases: [string, string, Record<string, string>][] = [
    ["wrong token", "known", { authorization: `Bearer ${"x".repeat(token.length)}` }],
    ["wrong token that nearly fits", "known", { authorization: `Bearer ${token.slice(0, -1)}` }],
    ["another device's token", "known", { authorization: `Bearer ${revokedToken}` }],
    ["an admin's API token", "known", { authorization: `Bearer ${adminToken}` }],
    ["no token", "known", {}],
    ["another scheme", "known", { authorization: `Basic ${Buffer.from(`known:${token}`).toString("base64")}` }],
    ["a token without a scheme", "known", { authorization: token }],
    ["an empty token", "known", { authorization: "Bearer " }],
    ["unknown device", "unknown", { authorization: `Bearer ${token}` }],
    ["unknown device, no token", "unknown", {}],
    ["revoked token", "revoked", { authorization: `Bearer ${revokedToken}` }],
    ["no device id", "", { authorization: `Bearer ${token}` }],
    ["not a device id", "..%2f..", { authorization: `Bearer ${token}` }],
  ];
  const answers = await Promise.all(
    cases.map(async ([what, path, headers]) => {
      const answer = await tryOpenSocket(`${server.wsUrl}/ws/device/${path}`, { headers });
      if (!("status" in answer)) throw new Error(`${what} was let in`);
      return answer;
    }),
  );
  expect(answers[0]).toMatchObject({ status: 403, body: expect.stringContaining('"code":"forbidden"') });
  for (const answer of answers) expect(answer).toEqual(answers[0]);
});

test("a token in an address is refused, for a known device as for an unknown one, and the log names the parameter but not its value", async () => {
  const token = await server.addDevice("in_address");
  const knock = (path: string) => tryOpenSocket(`${server.wsUrl}/ws/device/${path}`);
  const known = await knock(`in_address?token=${token}`);
  expect(known).toMatchObject({ status: 403, body: expect.stringContaining('"code":"token_in_url"') });
  expect(await knock(`nobody?token=${token}`)).toEqual(known);
  expect(await knock("in_address?access_token=anything")).toMatchObject({ status: 403 });
  const hidden = await fetch(`${server.url}/api/v1/devices?q=${adminToken}`, {
    headers: { authorization: `Bearer ${adminToken}` },
  });
  expect([hidden.status, ((await hidden.json()) as { code: string }).code]).toEqual([403, "token_in_url"]);
  const line = server.logs().find(({ parameter }) => parameter === "token");
  expect(line).toMatchObject({ level: "warn", address: "127.0.0.1" });
  expect(server.process.stdout).not.toContain(token);
  expect(server.process.stdout).not.toContain(adminToken);
});

function decode(digits: string): bigint {
  return [...digits].reduce((value, digit) => value * 62n + BigInt(alphabet.indexOf(digit)), 0n);
}
