import { describe, expect, test } from "vitest";
import { mixedCsv, startMixed, startWith } from "../../support/mixed-samples.ts";
import { startServer } from "../../support/start-server.ts";

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
