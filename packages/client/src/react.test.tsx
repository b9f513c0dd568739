// @vitest-environment happy-dom
import { cleanup, renderHook, waitFor } from "@testing-library/react";
import { eventually, inTime, startServer, type TestServer } from "@wattboard/testing";
import { type ReactNode, useEffect } from "react";
import { afterEach, describe, expect, test } from "vitest";
import { fleetRow } from "./fleet-row.fixture.ts";
import { type TelemetryState, useFleet, useTelemetry, WattboardProvider } from "./react.ts";

afterEach(cleanup);

const sampleOf = (device_id: string, soc = 85) => ({
  device_id,
  timestamp: "2026-01-31T12:00:01Z",
  battery: { soc },
});

const under = (server: TestServer) => ({
  wrapper: ({ children }: { children: ReactNode }) => (
    <WattboardProvider url={server.url}>{children}</WattboardProvider>
  ),
});

/** Waits until what the sockets told is rendered. */
const rendered = (check: () => void) => waitFor(check, { timeout: inTime(5_000), interval: 5 });

/** The hook for a device, on a server that is connected. */
async function connected(deviceId = "ems_001") {
  const server = await startServer();
  const renders: TelemetryState[] = [];
  const hook = renderHook(
    ({ id }) => {
      const state = useTelemetry(id);
      renders.push(state);
      return state;
    },
    { ...under(server), initialProps: { id: deviceId } },
  );
  await rendered(() => expect(hook.result.current.status).toBe("OPEN"));
  return { server, renders, ...hook };
}

describe("useTelemetry", () => {
  test("gives no data first, then each sample", async () => {
    const { server, result, renders } = await connected();
    expect(renders[0]).toEqual({ data: null, status: "CLOSED", error: null });
    expect(renders).toContainEqual({ data: null, status: "CONNECTING", error: null });
    server.links[0]?.send(sampleOf("ems_001", 85));
    await rendered(() => expect(result.current.data).toEqual(sampleOf("ems_001", 85)));
    server.links[0]?.send(sampleOf("ems_001", 86));
    await rendered(() => expect(result.current.data).toEqual(sampleOf("ems_001", 86)));
  });

  test("says why there is no connection, and forgets it when there is one", async () => {
    const server = await startServer();
    server.answer = { status: 403 };
    server.problem = { code: "cross_origin", detail: "List it in access.origins." };
    const { result } = renderHook(() => useTelemetry("ems_001"), under(server));
    await rendered(() =>
      expect(result.current.error).toEqual({
        code: "refused",
        refusal: "cross_origin",
        message: expect.stringContaining("List it in access.origins."),
      }),
    );
    server.answer = undefined;
    await rendered(() => expect(result.current).toMatchObject({ status: "OPEN", error: null }));
  });

  test("closes on unmount", async () => {
    const { server, unmount } = await connected();
    unmount();
    await eventually(() => expect(server.open()).toEqual([]));
  });

  test("keeps one socket over renders", async () => {
    const { server, rerender } = await connected();
    rerender({ id: "ems_001" });
    rerender({ id: "ems_001" });
    expect(server.attempts).toBe(1);
  });

  test("never shows the old device's data for the new one, and leaves the old socket", async () => {
    const { server, result, renders, rerender } = await connected();
    server.links[0]?.send(sampleOf("ems_001"));
    await rendered(() => expect(result.current.data).not.toBeNull());

    const before = renders.length;
    rerender({ id: "ems_002" });
    server.links[0]?.send(sampleOf("ems_001", 1));
    await rendered(() => expect(result.current.status).toBe("OPEN"));
    server.links[1]?.send(sampleOf("ems_002", 50));
    await rendered(() => expect(result.current.data?.battery?.soc).toBe(50));
    const shown = renders.slice(before).map(({ data }) => data?.device_id);
    expect(new Set(shown)).toEqual(new Set([undefined, "ems_002"]));
    await eventually(() => expect(server.open()).toEqual(["/ws/dashboard/ems_002"]));
  });

  test("leaks nothing when the device changes faster than sockets open", async () => {
    const { server, rerender, result } = await connected("ems_000");
    for (let index = 1; index <= 20; index++) rerender({ id: `ems_0${index}` });
    await rendered(() => expect(result.current.status).toBe("OPEN"));
    await eventually(() => expect(server.open()).toEqual(["/ws/dashboard/ems_020"]));
  });

  test("opens one socket in StrictMode, which mounts twice, and closes it", async () => {
    const server = await startServer();
    let mounts = 0;
    const { result, unmount } = renderHook(
      () => {
        useEffect(() => {
          mounts++;
        }, []);
        return useTelemetry("ems_001");
      },
      { ...under(server), reactStrictMode: true },
    );
    await rendered(() => expect(result.current.status).toBe("OPEN"));
    expect(mounts).toBe(2);
    expect(server.attempts).toBe(1);
    unmount();
    await eventually(() => expect(server.open()).toEqual([]));
  });

  test("keeps the last data while the connection is lost, and gets it back by itself", async () => {
    const { server, result } = await connected();
    server.links[0]?.send(sampleOf("ems_001"));
    await rendered(() => expect(result.current.data).not.toBeNull());
    server.links[0]?.socket.terminate();
    await rendered(() => expect(result.current).toMatchObject({ data: sampleOf("ems_001"), status: "CLOSED" }));
    await rendered(() => expect(result.current.status).toBe("OPEN"));
    expect(server.open()).toHaveLength(1);
  });

  test("moves to another server with the provider, without the old one's data", async () => {
    const [first, second] = [await startServer(), await startServer()];
    let { url } = first;
    const { result, rerender } = renderHook(() => useTelemetry("ems_001"), {
      wrapper: ({ children }) => <WattboardProvider url={url}>{children}</WattboardProvider>,
    });
    await rendered(() => expect(result.current.status).toBe("OPEN"));
    first.links[0]?.send(sampleOf("ems_001"));
    await rendered(() => expect(result.current.data).not.toBeNull());
    ({ url } = second);
    rerender();
    expect(result.current.data).toBeNull();
    await rendered(() => expect(result.current.status).toBe("OPEN"));
    await eventually(() => expect([first.open().length, second.open().length]).toEqual([0, 1]));
  });
});

describe("useFleet", () => {
  test("gives the rows as a new map with each change, and closes on unmount", async () => {
    const server = await startServer();
    const { result, unmount } = renderHook(() => useFleet(), under(server));
    expect(result.current).toMatchObject({ complete: false, clockOffsetMs: null });
    await rendered(() => expect(result.current.status).toBe("OPEN"));
    const server_time_ms = Date.now() + 60_000;
    server.links[0]?.send({ type: "fleet", server_time_ms, more: false, devices: [fleetRow("a"), fleetRow("b")] });
    await rendered(() => expect(result.current.complete).toBe(true));
    const { rows, clockOffsetMs } = result.current;
    expect([...rows.keys()]).toEqual(["a", "b"]);
    expect(clockOffsetMs).toBeGreaterThan(50_000);

    server.links[0]?.send({ type: "changed", server_time_ms, devices: [fleetRow("b", { online: true })] });
    await rendered(() => expect(result.current.rows.get("b")?.online).toBe(true));
    expect(rows.get("b")?.online).toBe(false);
    expect(result.current.rows.get("a")).toBe(rows.get("a"));
    unmount();
    await eventually(() => expect(server.open()).toEqual([]));
  });
});
