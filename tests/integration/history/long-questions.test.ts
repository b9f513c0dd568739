import { paths } from "@wattboard/protocol";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { fill, get, openScene, secondMs, utc } from "../../support/questions.ts";
import { batchOf, sampleAt } from "../../support/samples.ts";

describe("a question", () => {
  test("whose asker has left makes room for others", async () => {
    const server = await openScene();
    const release = server.store.stall();
    onTestFinished(release);
    const leave = new AbortController();
    const asked = Array.from({ length: 32 }, () =>
      fetch(`${server.url}${paths.api}/devices/ems_001/history`, { signal: leave.signal }).catch(() => null),
    );
    // As many as may wait do: one more, whichever comes last, is told so.
    asked.push(fetch(`${server.url}${paths.api}/devices/ems_001/history`));
    const refused = (await Promise.race(asked)) as Response;
    const busy = { status: refused.status, headers: refused.headers, body: await refused.json() };
    expect(busy).toMatchObject({ status: 503, body: { code: "store_busy" } });
    expect(busy.headers.get("retry-after")).toBe("1");
    leave.abort();
    await Promise.all(asked);
    release();
    await eventually(async () => expect((await get(server, "/devices/ems_001/history")).status).toBe(200));
  });

  test("that takes too long is ended with 504, and the next one is answered", async () => {
    const server = await openScene({ settings: { "limits.query_ms": "300" } });
    const release = server.store.stall();
    onTestFinished(release);
    expect(await get(server, "/devices/ems_001/timeline")).toMatchObject({ status: 504, body: { code: "timeout" } });
    release();
    await eventually(async () => expect((await get(server, "/devices/ems_001/timeline")).status).toBe(200));
  });

  test("about the past has an ETag: asked again, nothing is sent; once a late sample is there, it is", async () => {
    const server = await openScene();
    const fromMs = utc("2025-06-01T12:00:00Z");
    await fill(server, fromMs, fromMs + 60_000, secondMs, () => ({ grid: { power: 100 } }));
    for (const [at, path] of [
      "/devices/ems_001/history?from=2025-06-01&to=2025-06-02",
      "/devices/ems_001/energy?from=2025-06-01&to=2025-06-02",
      "/fleet/energy?from=2025-06-01&to=2025-06-02",
    ].entries()) {
      const first = await get(server, path);
      expect(first.headers.get("cache-control")).toBe("private, max-age=300");
      const again = await get(server, path, { "if-none-match": first.headers.get("etag") ?? "" });
      expect([path, again.status, again.body]).toEqual([path, 304, null]);
      // Each behind the one before: between two others it might change no sum.
      const late = sampleAt(fromMs + 60_000 + (at + 1) * 5_000, at, { grid: { power: 500 } }, { epoch: 77 });
      await server.store.append([batchOf([late])]);
      const changed = await get(server, path, { "if-none-match": first.headers.get("etag") ?? "" });
      expect([path, changed.status]).toEqual([path, 200]);
    }
    const live = await get(server, "/devices/ems_001/history");
    expect(live.headers.get("cache-control")).toBe("private, no-cache");
  });
});
