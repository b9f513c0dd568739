import { createHash } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { ManualClock } from "@wattboard/testing";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { describe, expect, test } from "vitest";
import { deviceDetail, storedSamples } from "../../support/api.ts";
import { eventually, inTime } from "../../support/eventually.ts";
import { type Past, secondBySecond, storePast } from "../../support/history.ts";
import { CliProcess, makeFolder, runCli, runJson, startServe } from "../../support/run-cli.ts";
import { openDevice, openSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const startMs = Date.UTC(2026, 0, 31, 23, 59, 58);

/** Samples of every kind of value, of two devices whose points are not the same, and two of one time. */
const mixed: readonly Past[] = [
  past("ems_001", 0, { battery: { soc: 85, power: -0.1 }, system_status: { state: "IDLE", error_flags: [] } }),
  past("ems_001", 1, { battery: { soc: 1e-7, power: null }, system_status: { error_flags: ["E01", 'a "b", c'] } }),
  past("ems_001", 2, { battery: { soc: 33.333333333333336 }, site: { note: 'say "hi", twice\nand again', on: true } }),
  past("ems_001", 3, { battery: {}, site: { note: "12", on: false, mixed: 12 } }),
  { ...past("ems_001", 3, { battery: { soc: 99 }, site: { note: "", mixed: "12" } }), seq: 4 },
  past("ems_001", 5, { battery: { soc: null }, outside: -40.25 }),
  past("sol.002", 0, { solar: { power: 1234567.125 }, site: { note: "=1+1" } }),
  past("sol.002", 86_400, { solar: { power: 0 } }),
];

const mixedCsv = `device_id,observed_at,received_at,system_status.state,system_status.error_flags,battery.soc,battery.power,solar.power,outside,site.mixed,site.note,site.on
ems_001,2026-01-31T23:59:58.000Z,2026-01-31T23:59:58.020Z,IDLE,[],85,-0.1,,,,,
ems_001,2026-01-31T23:59:59.000Z,2026-01-31T23:59:59.020Z,,"[""E01"",""a \\""b\\"", c""]",1e-7,,,,,,
ems_001,2026-02-01T00:00:00.000Z,2026-02-01T00:00:00.020Z,,,33.333333333333336,,,,,"say ""hi"", twice
and again",true
ems_001,2026-02-01T00:00:01.000Z,2026-02-01T00:00:01.020Z,,,,,,,12,"12",false
ems_001,2026-02-01T00:00:01.000Z,2026-02-01T00:00:01.020Z,,,99,,,,"12","",
ems_001,2026-02-01T00:00:03.000Z,2026-02-01T00:00:03.020Z,,,,,,-40.25,,,
sol.002,2026-01-31T23:59:58.000Z,2026-01-31T23:59:58.020Z,,,,,1234567.125,,,'=1+1,
sol.002,2026-02-01T23:59:58.000Z,2026-02-01T23:59:58.020Z,,,,,0,,,,
`;

function past(deviceId: string, second: number, sections: Past["sections"]): Past {
  return { deviceId, atMs: startMs + second * 1_000, seq: second, sections };
}

async function startMixed(): Promise<TestServer> {
  const server = await startWith("ems_001", "sol.002");
  await storePast(server.store, mixed);
  return server;
}

async function startWith(...deviceIds: string[]): Promise<TestServer> {
  const server = await startServer();
  for (const deviceId of deviceIds) server.addDevice(deviceId);
  return server;
}

/** Runs a command that must succeed, and gives its output. */
async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout;
}

describe.each([
  ["through the running server", false],
  ["in the folder of a server that is stopped", true],
])("%s", (_how, isStopped) => {
  /** The command line's target; where no server is to run, it is stopped first. */
  const at = async (server: TestServer): Promise<string[]> => {
    if (isStopped) await server.stop();
    return ["--data-dir", server.dataDir];
  };

  test("an export is the samples as they were sent, the devices one after the other, their points in the catalogue's order", async () => {
    expect(await run("export", "--all", ...(await at(await startMixed())))).toBe(mixedCsv);
  });

  test("what was exported is imported by another server, and exported there again: byte for byte the same", async () => {
    const first = await startMixed();
    const file = join(makeFolder(), "all.csv");
    await run("export", "--all", "--out", file, ...(await at(first)));
    expect(readFileSync(file, "utf8")).toBe(mixedCsv);
    const target = await at(await startWith("ems_001", "sol.002"));
    expect(await run("import", file, ...target)).toContain("8 samples stored, 0 were known already, 0 rows were bad");
    expect(await run("export", "--all", ...target)).toBe(mixedCsv);
    // A second time it doubles nothing; nor where it came from.
    expect(await run("import", file, ...target)).toContain("0 samples stored, 8 were known already");
    expect(await run("import", file, ...(await at(first)))).toContain("0 samples stored, 8 were known already");
    expect(await run("export", "--all", ...target)).toBe(mixedCsv);
  });

  test("a range and points can be chosen: only samples in it that have one of them", async () => {
    const target = await at(await startMixed());
    const out = await run(
      "export",
      "--device",
      "ems_001",
      "--from",
      "2026-02-01",
      "--points",
      "site.on,battery.soc",
      ...target,
    );
    expect(out.split("\n").map((line) => line.split(",").slice(1).join())).toEqual([
      "observed_at,received_at,battery.soc,site.on",
      "2026-02-01T00:00:00.000Z,2026-02-01T00:00:00.020Z,33.333333333333336,true",
      "2026-02-01T00:00:01.000Z,2026-02-01T00:00:01.020Z,,false",
      "2026-02-01T00:00:01.000Z,2026-02-01T00:00:01.020Z,99,",
      "2026-02-01T00:00:03.000Z,2026-02-01T00:00:03.020Z,,",
      "",
    ]);
  });

  test("Parquet holds the same values, with types that its readers know", async () => {
    const file = join(makeFolder(), "all.parquet");
    await run("export", "--all", "--format", "parquet", "--out", file, ...(await at(await startMixed())));
    const rows = await readParquet(file);
    expect(
      rows.map((row) => [row.device_id, (row.observed_at as Date).getTime(), (row.received_at as Date).getTime()]),
    ).toEqual(mixed.map(({ deviceId, atMs }) => [deviceId, atMs, atMs + 20]));
    const column = (name: string) => rows.map((row) => row[name] ?? null);
    expect(column("battery.soc")).toEqual([85, 1e-7, 33.333333333333336, null, 99, null, null, null]);
    expect(column("site.on")).toEqual([null, null, true, false, null, null, null, null]);
    expect(column("site.note")).toEqual([null, null, 'say "hi", twice\nand again', "12", "", null, "=1+1", null]);
    expect(column("site.mixed").slice(2, 5)).toEqual([null, "12", '"12"']);
    expect(column("system_status.error_flags").slice(0, 3)).toEqual(["[]", '["E01","a \\"b\\", c"]', null]);
    const { schema } = await parquetMetadataAsync(await asyncBufferFromFile(file));
    const typeOf = (name: string) => schema.find((each) => each.name === name);
    expect(typeOf("observed_at")).toMatchObject({ type: "INT64", converted_type: "TIMESTAMP_MILLIS" });
    expect(typeOf("battery.soc")).toMatchObject({ type: "DOUBLE" });
    expect(typeOf("site.on")).toMatchObject({ type: "BOOLEAN" });
    expect(typeOf("site.mixed")).toMatchObject({ type: "BYTE_ARRAY", converted_type: "UTF8" });
  });

  test("a file for each day goes on where it ended: only the last day is written anew", async () => {
    const target = await at(await startMixed());
    const folder = join(makeFolder(), "days");
    const days = ["export", "--all", "--per-day", folder, ...target];
    await run(...days);
    const names = ["2026-01-31.csv", "2026-02-01.csv"];
    expect(readdirSync(folder).sort()).toEqual(names);
    const whole = names.map((name) => readFileSync(join(folder, name), "utf8"));
    expect(whole.map((text) => text.match(/^(ems_001|sol\.002),/gm)?.length)).toEqual([3, 5]);
    expect((await runCli(days)).stderr).toContain("--resume");
    writeFileSync(join(folder, "2026-01-31.csv"), "left alone");
    truncateSync(join(folder, "2026-02-01.csv"), 100);
    await run(...days, "--resume");
    expect(names.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(["left alone", whole[1]]);
  });

  test("a CSV that was broken off anywhere is gone on with, and is the same in the end", async () => {
    const target = await at(await startMixed());
    const file = join(makeFolder(), "all.csv");
    const resume = ["export", "--all", "--to", "2026-03-01", "--out", file, "--resume", ...target];
    for (const length of [
      0,
      40,
      166,
      mixedCsv.indexOf("twice\n") + 6,
      mixedCsv.indexOf(",99,") + 4,
      mixedCsv.lastIndexOf("sol"),
    ]) {
      writeFileSync(file, mixedCsv.slice(0, length));
      await run(...resume);
      expect([length, readFileSync(file, "utf8")]).toEqual([length, mixedCsv]);
    }
  });
});

async function readParquet(file: string): Promise<Record<string, unknown>[]> {
  return await parquetReadObjects({ file: await asyncBufferFromFile(file) });
}

describe("many samples", () => {
  const count = 100_000;

  test(
    "are exported and imported within a small heap, and Parquet holds what the CSV does",
    async () => {
      const server = await startWith("ems_001");
      const beginMs = Date.now() - count * 1_000;
      await storePast(server.store, secondBySecond("ems_001", beginMs, count));
      const folder = makeFolder();
      // what is written is 13 MB as text, and several times that as objects: who gathered it would not get through.
      const env = { NODE_OPTIONS: "--max-old-space-size=48" };
      const csv = join(folder, "all.csv");
      const parquet = join(folder, "all.parquet");
      await server.stop();
      const target = ["--data-dir", server.dataDir];
      const long = async (...args: string[]) =>
        expect(await new CliProcess([...args, ...target], { env }).exit(120_000)).toMatchObject({
          code: 0,
          stderr: "",
        });
      await long("export", "--all", "--out", csv);
      await long("export", "--all", "--format", "parquet", "--out", parquet);
      const text = readFileSync(csv, "utf8");
      const lines = text.trimEnd().split("\n").slice(1);
      expect(lines).toHaveLength(count);
      const rows = await readParquet(parquet);
      expect(rows).toHaveLength(count);
      expect((await parquetMetadataAsync(await asyncBufferFromFile(parquet))).row_groups.length).toBeGreaterThan(1);
      for (const at of [0, 1, 62_499, 62_500, 62_501, count - 1]) {
        const row = rows[at] as Record<string, unknown>;
        const values = Object.values(row).map((value) =>
          value instanceof Date ? value.toISOString() : String(value ?? ""),
        );
        expect(values.join(",")).toBe(lines[at]);
      }

      const other = await startWith("ems_001");
      await other.stop();
      target[1] = other.dataDir;
      await long("import", csv);
      const again = join(folder, "again.csv");
      await long("export", "--all", "--out", again);
      expect(digest(readFileSync(again))).toBe(digest(text));
    },
    inTime(200_000),
  );

  test("stop at once, and without a word, when whoever reads them has had enough", async () => {
    const server = await startWith("ems_001");
    await storePast(server.store, secondBySecond("ems_001", startMs, 50_000));
    const { child, exited } = new CliProcess(["export", "--all", "--data-dir", server.dataDir]);
    await once(child.stdout as NodeJS.ReadableStream, "data");
    child.stdout?.destroy();
    expect(await exited).toMatchObject({ code: 0, stderr: "" });
  });

  test("that are interrupted leave rows that are good, say how to go on, and are whole once that is done", async () => {
    const server = await startWith("ems_001");
    await storePast(server.store, secondBySecond("ems_001", startMs, count));
    const target = ["--data-dir", server.dataDir];
    const whole = join(makeFolder(), "whole.csv");
    await run("export", "--all", "--out", whole, ...target);
    const file = join(makeFolder(), "part.csv");
    const { child, exited } = new CliProcess(["export", "--all", "--out", file, ...target]);
    await eventually(() => expect(existsSync(file) && statSync(file).size).toBeGreaterThan(100_000), {
      withinMs: 30_000,
    });
    child.kill("SIGINT");
    const { code, stderr } = await exited;
    expect([code, stderr]).toEqual([1, expect.stringMatching(/interrupted.*good as far as it goes.*--resume/)]);
    expect(statSync(file).size).toBeLessThan(statSync(whole).size);
    await run("export", "--all", "--to", "2026-03-01", "--out", file, "--resume", ...target);
    expect(digest(readFileSync(file))).toBe(digest(readFileSync(whole)));
  });

  test(
    "are exported while live samples go on to their dashboards, each of them and in order",
    async () => {
      const server = await startServe({ args: ["--limits-messages-burst=1000000"] });
      const device = await runJson<{ token: string }>(["device", "add", "ems_001", "--data-dir", server.dataDir]);
      const token = await runJson<{ token: string }>([
        ...["api-token", "add", "script", "--role", "admin", "--data-dir", server.dataDir],
      ]);
      const headers = { authorization: `Bearer ${token.token}` };
      const csv = join(makeFolder(), "past.csv");
      const rows = Array.from({ length: count }, (_, at) => {
        const wave = Math.sin(at / 600) * 1_000;
        return `${new Date(startMs - count * 1_000 + at * 1_000).toISOString()},${wave},${-wave},${at % 100}`;
      });
      writeFileSync(csv, `observed_at,grid.power,battery.power,battery.soc\n${rows.join("\n")}\n`);
      const importing = new CliProcess(["import", csv, "--device", "ems_001", "--data-dir", server.dataDir]);
      expect(await importing.exit(120_000)).toMatchObject({ code: 0, stderr: "" });

      const link = await openDevice(server.wsUrl, "ems_001", device.token);
      const dashboard = await openSocket(`${server.wsUrl}/ws/dashboard/ems_001`, { headers });
      let isExporting = true;
      const exports = Promise.all(
        [1, 2].map(async () => {
          const answer = await fetch(`${server.url}/api/v1/export?all=true&to=2026-02-01`, { headers });
          return (await answer.text()).split("\n").length;
        }),
      ).finally(() => {
        isExporting = false;
      });
      let sent = 0;
      while (isExporting) {
        // One after the other: the next is sent once the one before has come through.
        link.send(sampleOf("ems_001", { solar: { power: ++sent } }));
        const frame = JSON.parse((await dashboard.receive(sent)).at(-1) ?? "") as { solar: { power: number } };
        expect(frame.solar.power).toBe(sent);
      }
      expect(await exports).toEqual([count + 2, count + 2]);
      expect(sent).toBeGreaterThan(10);
    },
    inTime(200_000),
  );

  test("to a client that takes nothing for long are cut off, and its place is free again", async () => {
    const clock = new ManualClock();
    const server = await startServer({ clock });
    server.addDevice("ems_001");
    await storePast(server.store, secondBySecond("ems_001", startMs, count));
    const address = `${server.url}/api/v1/export?all=true&to=2026-03-01`;
    // They never read, and never leave: who cuts them off can only be the server.
    const open = () => new Promise<IncomingMessage>((resolve) => get(address, resolve));
    for (const each of [await open(), await open()]) each.on("error", () => {});
    expect((await fetch(address)).status).toBe(429);
    await eventually(
      async () => {
        clock.advance(30_000);
        const free = await fetch(address);
        await free.body?.cancel();
        expect(free.status).toBe(200);
      },
      { withinMs: 30_000 },
    );
  });

  test("to a client of the API that leaves are not read on, and its place is free again", async () => {
    const server = await startWith("ems_001");
    await storePast(server.store, secondBySecond("ems_001", startMs, 50_000));
    // Readers that do not read hold their places: a third is refused.
    const open = () =>
      new Promise<NodeJS.ReadableStream & { destroy(): void }>((resolve) =>
        get(`${server.url}/api/v1/export?all=true`, resolve),
      );
    const held = [await open(), await open()];
    const third = await fetch(`${server.url}/api/v1/export?all=true`);
    expect([third.status, ((await third.json()) as { code: string }).code]).toEqual([429, "busy"]);
    for (const each of held) each.destroy();
    await eventually(async () => {
      const free = await fetch(`${server.url}/api/v1/export?all=true`);
      await free.body?.cancel();
      expect(free.status).toBe(200);
    });
  });
});

function digest(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

describe("by the API", () => {
  test("an export is a file to save, and what cannot be is a problem before its first byte", async () => {
    const server = await startMixed();
    const ask = (query: string) => fetch(`${server.url}/api/v1/export?${query}`);
    const good = await ask("device=ems_001&device=sol.002");
    expect(good.headers.get("content-type")).toContain("text/csv");
    expect(good.headers.get("content-disposition")).toMatch(/^attachment; filename="wattboard-.*\.csv"$/);
    expect(await good.text()).toBe(mixedCsv);
    expect(await (await ask("all=true&from=2026-02-01&to=2026-02-01T00:00:01Z&points=battery.soc")).text()).toMatch(
      /^[^\n]+\n[^\n]+,33.333333333333336\n$/,
    );
    for (const [query, status, detail] of [
      ["", 400, "device=ID"],
      ["device=ems_001&all=true", 400, "device=ID"],
      ["device=nobody", 404, "nobody"],
      ["all=true&from=yesterday", 400, "-24h"],
      ["all=true&from=2026-02-01&to=2026-01-01", 400, "before"],
      ["all=true&points=battery%20soc", 400, "battery soc"],
      ["all=true&format=xml", 400, "format"],
      ["device=ems_001&start_device=sol.002", 400, "start_device"],
    ] as const) {
      const answer = await ask(query);
      expect([query, answer.status, answer.headers.get("content-type")]).toEqual([
        query,
        status,
        "application/problem+json; charset=utf-8",
      ]);
      expect(((await answer.json()) as { detail: string }).detail).toContain(detail);
    }
  });

  test("samples are imported line by line: what is no sample stores nothing and is named, a bad value costs itself", async () => {
    const server = await startWith("ems_001");
    const token = server.apiTokens.add("script", "admin", null) as { token: string };
    const post = (body: string, type = "application/x-ndjson", bearer = token.token) =>
      fetch(`${server.url}/api/v1/import`, {
        method: "POST",
        body,
        headers: { "content-type": type, authorization: `Bearer ${bearer}` },
      });
    const line = (second: number, points: object) =>
      JSON.stringify({ device_id: "ems_001", observed_at: `2026-01-31T12:00:0${second}Z`, points });
    const good = `${line(1, { "battery.soc": 80 })}\n${line(2, { "battery.soc": 81 })}\n`;
    for (const [body, detail] of [
      [`${good}{`, "Line 3: The frame is not one JSON object."],
      [good.replace("ems_001", "nobody"), "Line 1: No device with this id is registered."],
      [good.replace("2026-01", "2999-01"), "Line 1: timestamp is not"],
      [good.replace(',"points"', ',"x":1,"points"'), "Line 1: "],
    ] as const) {
      const answer = await post(body);
      expect(answer.status, body).toBeGreaterThanOrEqual(400);
      expect(((await answer.json()) as { detail: string }).detail).toContain(detail);
    }
    expect((await post(good, "text/csv")).status).toBe(415);
    expect((await post(`${good}${" ".repeat(1024 * 1024)}`)).status).toBe(413);
    expect((await post(good, "application/x-ndjson", "wb_wrong")).status).toBe(401);
    expect((await server.store.info()).samples).toBe(0);

    const nothing = { values_left_out: 0, left_out: [] };
    expect(await (await post(good)).json()).toEqual({ stored: 2, known: 0, ...nothing });
    const more = good + line(3, { "battery.soc": 82, "battery.voltage": "much" });
    expect(await (await post(`${more}\n${line(4, { "battery.soc": 1_000 })}`)).json()).toEqual({
      stored: 1,
      known: 2,
      values_left_out: 2,
      left_out: [
        { line: 3, point: expect.stringContaining("battery.voltage"), reason: expect.any(String) },
        { line: 4, point: expect.stringContaining("battery.soc"), reason: expect.stringContaining("No measurement") },
      ],
    });
  });

  test("who may only look may export, and neither import nor verify nor back up; without a token there is nothing", async () => {
    const server = await startServer({ settings: { "access.dashboards": "people" } });
    server.addDevice("ems_001");
    const ask = async (method: string, path: string, role: "viewer" | "operator" | null) => {
      const name = `${role} ${method} ${path}`;
      const token = role === null ? null : (server.apiTokens.add(name, role, null) as { token: string }).token;
      const body = method === "POST" && path === "/import" ? "{}" : undefined;
      const { status } = await fetch(`${server.url}/api/v1${path}`, {
        method,
        headers: {
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { "content-type": "application/x-ndjson" }),
        },
        ...(body !== undefined && { body }),
      });
      return status;
    };
    const open = ["/export?all=true", "/store"];
    for (const path of open) {
      expect([path, await ask("GET", path, null), await ask("GET", path, "viewer")]).toEqual([path, 401, 200]);
    }
    for (const [method, path] of [
      ["POST", "/import"],
      ["GET", "/store/verify"],
      ["POST", "/store/repair"],
      ["POST", "/backups"],
      ["GET", "/backups/x/store.db"],
      ["DELETE", "/backups/x"],
    ] as const) {
      expect([path, await ask(method, path, null), await ask(method, path, "operator")]).toEqual([path, 401, 403]);
    }
  });
});

describe("an import", () => {
  test("of the past never becomes the latest sample, not after a restart either", async () => {
    const server = await startServer();
    const token = server.addDevice("ems_001");
    const device = await openDevice(server.wsUrl, "ems_001", token);
    device.send(sampleOf("ems_001", { solar: { power: 1 } }));
    await eventually(async () => expect(await storedSamples(server, "ems_001")).toHaveLength(1));
    const file = join(makeFolder(), "old.csv");
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
    writeFileSync(file, `observed_at,solar.power\n${hourAgo},2\n2019-06-01T12:00:00Z,3\n`);
    expect(await run("import", file, "--device", "ems_001", "--data-dir", server.dataDir)).toContain(
      "2 samples stored",
    );
    expect((await deviceDetail(server, "ems_001")).latest?.telemetry.solar?.power).toBe(1);
    const csv = await run("export", "--all", "--points", "solar.power", "--data-dir", server.dataDir);
    expect(csv.match(/\d+$/gm)).toEqual(["3", "2", "1"]);
    expect(csv).toContain("\nems_001,2019-06-01T12:00:00.000Z,");
    await server.stop();
    const again = await startServer({ dataDir: server.dataDir });
    expect((await deviceDetail(again, "ems_001")).latest?.telemetry.solar?.power).toBe(1);
  });

  test("of samples that the device has sent already, and of more, adds only the more", async () => {
    const server = await startWith("ems_001");
    await storePast(server.store, secondBySecond("ems_001", startMs, 10));
    const file = join(makeFolder(), "some.csv");
    await run("export", "--all", "--out", file, "--data-dir", server.dataDir);
    appendFileSync(
      file,
      readFileSync(file, "utf8").split("\n")[1]?.replace("23:59:58.000", "23:59:58.500").concat("\n") ?? "",
    );
    expect(await runJson(["import", file, "--data-dir", server.dataDir])).toMatchObject({
      rows: 11,
      stored: 1,
      known: 10,
      bad: 0,
      dry_run: false,
      faults: [],
    });
  });

  test("only tried stores nothing", async () => {
    const server = await startWith("ems_001");
    const file = join(makeFolder(), "old.csv");
    writeFileSync(file, "observed_at,solar.power\n2026-01-31T12:00:00Z,2\n");
    expect(await run("import", file, "--device", "ems_001", "--dry-run", "--data-dir", server.dataDir)).toContain(
      "1 of 1 rows are good. Nothing was stored",
    );
    expect((await server.store.info()).samples).toBe(0);
  });
});

describe("rights", () => {
  const bearer = (server: TestServer, role: "viewer" | "admin", devices?: readonly string[]): string =>
    (server.apiTokens.add(`${role} ${devices ?? "all"}`, role, null, devices ?? null) as { token: string }).token;

  async function startClosed(): Promise<TestServer> {
    const server = await startServer({ settings: { "access.dashboards": "people" } });
    for (const deviceId of ["ems_001", "sol.002"]) server.addDevice(deviceId);
    await storePast(server.store, mixed);
    return server;
  }

  test("a device that one may not view cannot be told from one that does not exist; all are all that one may view", async () => {
    const server = await startClosed();
    const headers = { authorization: `Bearer ${bearer(server, "viewer", ["ems_001"])}` };
    const ask = (query: string) => fetch(`${server.url}/api/v1/export?${query}`, { headers });
    const problemOf = async (id: string) => {
      const answer = await ask(`device=${id}`);
      return [answer.status, (await answer.text()).replaceAll(id, "ID")];
    };
    expect(await problemOf("sol.002")).toEqual(await problemOf("nobody9"));
    expect(await problemOf("sol.002")).toMatchObject([404, expect.stringContaining("unknown_device")]);
    expect((await ask("device=ems_001&device=sol.002")).status).toBe(404);
    expect((await ask("device=ems_001&start_device=sol.002")).status).toBe(400);
    const own = await (await ask("all=true")).text();
    expect(own).toBe(await (await ask("device=ems_001")).text());
    expect(own).toContain("ems_001,");
    // Neither rows nor columns tell of the other device.
    expect(own).not.toMatch(/sol\.002|solar\.power/);
    expect((await fetch(`${server.url}/api/v1/store`, { headers })).status).toBe(403);
  });

  test("the command line exports by a token for some devices; by the day it needs to be told from when on", async () => {
    const server = await startClosed();
    const env = { WATTBOARD_TOKEN: bearer(server, "viewer", ["sol.002"]) };
    const all = await runCli(["export", "--all", "--url", server.url], { env });
    expect([all.code, all.stdout.match(/^(ems_001|sol\.002)/gm)]).toEqual([0, ["sol.002", "sol.002"]]);
    const folder = join(makeFolder(), "days");
    const days = ["export", "--all", "--per-day", folder, "--url", server.url, "--to", "2026-02-02"];
    expect(await runCli(days, { env })).toMatchObject({ code: 2, stderr: expect.stringContaining("--from") });
    expect(await runCli([...days, "--from", "2026-01-31"], { env })).toMatchObject({ code: 0 });
    expect(readdirSync(folder).sort()).toEqual(["2026-01-31.csv", "2026-02-01.csv"]);
  });

  test("imports, verifications and backups stand in the audit, with who did them and how they ended", async () => {
    const server = await startClosed();
    const env = { WATTBOARD_TOKEN: bearer(server, "admin") };
    const csv = join(makeFolder(), "old.csv");
    writeFileSync(csv, "observed_at,solar.power\n2019-06-01T12:00:00Z,3\n");
    const to = join(makeFolder(), "backup");
    for (const args of [
      ["import", csv, "--device", "ems_001"],
      ["store", "verify"],
      ["backup", to],
    ]) {
      expect(await runCli([...args, "--url", server.url], { env })).toMatchObject({ code: 0, stderr: "" });
    }
    const rows = async (dataDir: string) =>
      (await run("audit", "export", "--format", "ndjson", "--data-dir", dataDir))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ action }) => /^(import|store|backup)/.test(String(action)));
    expect(await rows(server.dataDir)).toMatchObject([
      { action: "backup.make", who: "token admin all", outcome: "done" },
      { action: "store.verify", who: "token admin all", outcome: "done" },
      { action: "import", who: "token admin all", outcome: "done", device_id: "ems_001", detail: { samples: 1 } },
    ]);
    // The chain goes on where the backup was brought back.
    const folder = join(makeFolder(), "restored");
    await run("restore", to, "--data-dir", folder);
    await run("store", "verify", "--data-dir", folder);
    expect((await rows(folder)).map(({ action, who }) => [action, who]).slice(0, 2)).toEqual([
      ["store.verify", "local"],
      ["backup.restore", "local"],
    ]);
    expect(await run("audit", "verify", "--data-dir", folder)).toContain("The audit is whole");
  });
});

test.each([
  ["neither device nor --all", [], "--device ID"],
  ["both", ["--all", "--device", "ems_001"], "--device ID"],
  ["an unknown device", ["--device", "nobody"], "No device nobody is registered"],
  ["a time that is none", ["--all", "--from", "24h"], "-24h"],
  ["a range that ends before it begins", ["--all", "--from", "-1h", "--to", "-2h"], "before"],
  ["a point that is none", ["--all", "--points", "a b"], "grid.power"],
  ["two places", ["--all", "--out", "a", "--per-day", "b"], "not both"],
  ["Parquet to go on with", ["--all", "--out", "a.parquet", "--format", "parquet", "--resume"], "--per-day"],
  ["several devices to go on with and no end", ["--all", "--out", "a.csv", "--resume"], "--to"],
  ["--resume alone", ["--all", "--resume"], "--out"],
])("an export with %s is wrong usage, and says what to do", async (_what, args, expected) => {
  const { dataDir } = await startWith("ems_001");
  const { code, stdout, stderr } = await runCli(["export", ...args, "--data-dir", dataDir]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(expected);
});

test("an export never writes over a file, and goes on with none that is not its own", async () => {
  const { dataDir } = await startMixed();
  const file = join(makeFolder(), "mine.txt");
  writeFileSync(file, "my,notes\n1,2\n");
  const refused = await runCli(["export", "--device", "ems_001", "--out", file, "--data-dir", dataDir]);
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("is there already") });
  const resumed = await runCli(["export", "--device", "ems_001", "--out", file, "--resume", "--data-dir", dataDir]);
  expect(resumed).toMatchObject({ code: 2, stderr: expect.stringContaining("no CSV that an export has written") });
  writeFileSync(file, mixedCsv);
  const others = await runCli(["export", "--device", "sol.002", "--out", file, "--resume", "--data-dir", dataDir]);
  expect(others).toMatchObject({ code: 2, stderr: expect.stringContaining("--points") });
  expect(readFileSync(file, "utf8")).toBe(mixedCsv);
  const nowhere = await runCli(["export", "--all", "--out", join(file, "x.csv"), "--data-dir", dataDir]);
  expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining("cannot be written") });
  expect(existsSync(join(file, "x.csv"))).toBe(false);
});
