import { describe, expect, test } from "vitest";
import { get, openScene } from "../../support/questions.ts";

describe("bad input", () => {
  const times = [
    "yesterday",
    "",
    "NaN",
    "1e99",
    "-1",
    "2026-13-01",
    "2026-02-30T00:00:00Z",
    "1900-01-01T00:00:00Z",
    "99999999999999999999",
  ];
  const counts = ["0", "-1", "1e99", "NaN", "many", "", "2.5", "100000000000"];
  const cases: [path: string, query: string][] = [
    ...["samples", "history", "timeline", "energy"].flatMap(
      (path) =>
        [
          ...times.map((time): [string, string] => [`/devices/ems_001/${path}`, `from=${time}`]),
          ...times
            .filter((time) => time !== "9999")
            .map((time): [string, string] => [`/devices/ems_001/${path}`, `to=${time}`]),
          [`/devices/ems_001/${path}`, "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"],
          [`/devices/ems_001/${path}`, "from=2990-01-01T00:00:00Z"],
          [`/devices/ems_001/${path}`, "from=1990-01-01T00:00:00Z"],
          [`/devices/ems_001/${path}`, "time_zone=Mars/Olympus"],
          [`/devices/ems_001/${path}`, "time_zone="],
          [`/devices/ems_001/${path}`, "from=2026-01-01&from=2026-01-02"],
          [`/devices/ems_001/${path}`, "form=2026-01-01"],
        ] as [string, string][],
    ),
    ...counts.map((count): [string, string] => ["/devices/ems_001/samples", `limit=${count}`]),
    ...counts.map((count): [string, string] => ["/devices/ems_001/history", `buckets=${count}`]),
    ...counts.map((count): [string, string] => ["/devices/ems_001/timeline", `limit=${count}`]),
    ...counts.map((count): [string, string] => ["/fleet/totals", `buckets=${count}`]),
    ...counts.map((count): [string, string] => ["/devices", `limit=${count}`]),
    ...counts.map((count): [string, string] => ["/events", `limit=${count}`]),
    ["/devices/ems_001/samples", "limit=10001"],
    ["/devices/ems_001/samples", "take=middle"],
    ["/devices/ems_001/samples", "points="],
    ["/devices/ems_001/samples", "points=nothing.like_it"],
    ["/devices/ems_001/history", "buckets=2001"],
    ["/devices/ems_001/history", "points=,"],
    ["/devices/ems_001/history", `points=${Array.from({ length: 21 }, (_, at) => `a.b${at}`).join(",")}`],
    ["/devices/ems_001/history", `points=${"x".repeat(3_000)}`],
    ["/devices/ems_001/timeline", "point=battery.soc,grid.power"],
    ["/devices/ems_001/timeline", "from=2025-01-01&to=2025-03-01"],
    ["/devices/ems_001/energy", "per=week"],
    ["/devices/ems_001/energy", "per=hour&from=2025-01-01&to=2025-06-01"],
    ["/devices/ems_001/energy", "per=day&from=2018-01-01&to=2025-06-01"],
    ["/fleet/energy", "per=hour"],
    ["/fleet/energy", "from=soon"],
    ["/fleet/energy", "property=country"],
    ["/fleet/totals", "point=system_status.state"],
    ["/fleet/totals", "point=a.b.c"],
    ["/fleet/totals", "point="],
    ["/fleet/totals", "from=2026-01-01&to=2026-01-01"],
    ["/events", "from=soon"],
    ["/events", "to=2026-01-01"],
  ];

  test("is answered with 400, and with words on what to mend, for every parameter", async () => {
    const server = await openScene();
    for (const [path, query] of cases) {
      const { status, body, headers } = await get<{ code: string; detail: string }>(server, `${path}?${query}`);
      expect([path, query, status]).toEqual([path, query, 400]);
      expect(headers.get("content-type")).toContain("application/problem+json");
      expect(["invalid_request", "range_too_large", "unknown_point"]).toContain(body.code);
      expect(body.detail.length).toBeLessThan(500);
    }
    expect((await get(server, "/devices/ems_001/history")).status).toBe(200);
  });

  test("names what is not known, and what may be chosen", async () => {
    const server = await openScene();
    const detail = async (query: string): Promise<string> =>
      (await get<{ detail: string }>(server, `/devices/ems_001/energy?${query}`)).body.detail;
    expect(await detail("form=2026-01-01")).toContain('"form"');
    expect(await detail("per=week")).toContain("hour, day, month, year");
    expect(await detail("from=yesterday")).toContain("2026-01-31T12:00:00Z");
  });

  test("a device that is not known is 404 everywhere", async () => {
    const server = await openScene();
    for (const part of ["", "/latest", "/points", "/samples", "/history", "/timeline", "/energy"]) {
      expect(await get(server, `/devices/nobody${part}`)).toMatchObject({
        status: 404,
        body: { code: "unknown_device" },
      });
    }
  });
});
