import { request as httpRequest } from "node:http";
import { expect, test } from "vitest";
import { startServer, type TestServer } from "../../support/start-server.ts";

interface Line {
  readonly share?: number;
  readonly stored?: number;
  readonly known?: number;
  readonly preview?: Readonly<Record<string, unknown>>;
  readonly problem?: { readonly code: string; readonly message: string };
}

async function start(): Promise<{ server: TestServer; authorization: string }> {
  const server = await startServer();
  server.addDevice("d1");
  const { token } = server.apiTokens.add("admin", "admin", null, null) as { token: string };
  return { server, authorization: `Bearer ${token}` };
}

/** The last line of the answer. */
async function upload(
  { server, authorization }: Awaited<ReturnType<typeof start>>,
  query: Readonly<Record<string, string>>,
  body: BodyInit,
): Promise<Line> {
  const answer = await fetch(`${server.url}/api/v1/import/csv?${new URLSearchParams(query)}`, {
    method: "POST",
    headers: { authorization, "content-type": "text/csv" },
    body,
  });
  const text = await answer.text();
  expect([answer.status, text]).toEqual([200, expect.anything()]);
  return JSON.parse(text.trimEnd().split("\n").at(-1) as string) as Line;
}

const query = {
  device: "d1",
  time: "Zeit",
  map: "Netz [kW]=grid.power*1000",
  time_zone: "Europe/Vienna",
  decimal_comma: "true",
};
const csv = "Zeit;Netz [kW];x\r\n01.05.2026 00:00;1,5;a\r\n01.05.2026 00:05;n.v.;b\r\n01.05.2026 00:10;2;c\r\n";

test("a file is looked at first, which stores nothing, and stored when it is sent again; a third time doubles nothing", async () => {
  const site = await start();
  const preview = {
    encoding: "utf-8",
    separator: ";",
    time_zone: "Europe/Vienna",
    columns: [{ column: "Netz [kW]", point: "grid.power", factor: 1000, values: 2 }],
    ignored_columns: ["x"],
    rows: 3,
    samples: 2,
    first: "2026-04-30T22:00:00.000Z",
    last: "2026-04-30T22:10:00.000Z",
    left_out: [{ column: "Netz [kW]", what: "rows", reason: "is no number.", count: 1, line: 3, text: "n.v." }],
  };
  expect(await upload(site, { ...query, dry_run: "true" }, csv)).toMatchObject({ dry_run: true, stored: 0, preview });
  expect((await site.server.store.info()).samples).toBe(0);
  expect(await upload(site, query, csv)).toMatchObject({ dry_run: false, stored: 2, known: 0, preview });
  expect(await upload(site, query, csv)).toMatchObject({ stored: 0, known: 2 });
});

test("many rows are stored in batches, and it is told how far it is", async () => {
  const site = await start();
  const rows = Array.from({ length: 20_000 }, (_, at) => `${1_769_000_000 + at},${at}\n`);
  const result = await upload(site, { device: "d1", time: "t" }, `t,grid.power\n${rows.join("")}`);
  expect(result).toMatchObject({ stored: 20_000, preview: { rows_left_out: 0 } });
});

test("what cannot be read is told, and the next file is taken", async () => {
  const site = await start();
  expect(await upload(site, { device: "d1" }, "a,b\n1,2\n")).toMatchObject({
    problem: { code: "invalid_request", message: expect.stringContaining('no column "observed_at"') },
  });
  const ask = (path: string, headers = {}) =>
    fetch(`${site.server.url}/api/v1/import/csv${path}`, {
      method: "POST",
      headers: { authorization: site.authorization, "content-type": "text/csv", ...headers },
      body: csv,
    });
  expect((await ask("?device=nobody")).status).toBe(404);
  expect(await (await ask("?device=d1&time_zone=Vienna")).json()).toMatchObject({
    detail: expect.stringContaining("time_zone"),
  });
  expect(await (await ask("?device=d1&time_format=x")).json()).toMatchObject({
    detail: expect.stringContaining("time_format"),
  });
  expect((await ask("?device=d1", { authorization: "" })).status).toBe(401);
  expect((await ask("?device=d1", { "content-type": "text/plain" })).status).toBe(400);
  expect(await upload(site, query, csv)).toMatchObject({ stored: 2 });
});

test("a file may take longer than other bodies, as long as it goes on; one that stops is broken off", async () => {
  const slow = await startServer({ settings: { "limits.handshake_ms": "300" } });
  slow.addDevice("d1");
  const { token } = slow.apiTokens.add("admin", "admin", null, null) as { token: string };
  const send = (path: string, type: string) => {
    const request = httpRequest(`${slow.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": type, "transfer-encoding": "chunked" },
    });
    const answer = new Promise<[number | undefined, string]>((resolve, reject) => {
      request.on("error", reject).on("response", (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        // It is broken off where the answer has begun.
        response.on("error", () => {});
        response.on("close", () => resolve([response.statusCode, text]));
      });
    });
    return { request, answer };
  };
  const other = send("/api/v1/devices", "application/json");
  other.request.write("{");
  expect((await other.answer)[0]).toBe(408);

  const stopped = send("/api/v1/import/csv?device=d1", "text/csv");
  stopped.request.write("observed_at,grid.power\n");
  expect((await stopped.answer)[1]).not.toContain("stored");
});
