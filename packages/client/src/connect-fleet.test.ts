import type { FleetRow } from "@wattboard/protocol";
import { eventually, ManualSdkClock, startServer } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { connectFleet } from "./connect-fleet.ts";
import { fleetRow } from "./fleet-row.fixture.ts";
import type { StreamError } from "./stream.ts";

const serverTimeMs = 1_800_000_000_000;
const part = (ids: string[], more: boolean) => ({
  type: "fleet",
  server_time_ms: serverTimeMs,
  more,
  devices: ids.map((id) => fleetRow(id)),
});
const changed = (...devices: FleetRow[]) => ({ type: "changed", server_time_ms: serverTimeMs, devices });

async function listening() {
  const server = await startServer();
  const clock = new ManualSdkClock();
  const changes: (readonly string[])[] = [];
  const errors: StreamError[] = [];
  const fleet = connectFleet({
    url: server.url,
    clock,
    random: () => 0,
    onChange: (ids) => changes.push(ids),
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => fleet.close());
  /** Opens the next connection, and returns how to send on it and wait until it is heard. */
  const connect = async () => {
    const index = server.links.length;
    clock.advanceToNext();
    await eventually(() => expect(fleet.status).toBe("OPEN"));
    return async (...frames: (object | string)[]) => {
      const heard = changes.length + errors.length + frames.length;
      for (const frame of frames) server.links[index]?.send(frame);
      await eventually(() => expect(changes.length + errors.length).toBe(heard));
    };
  };
  return { server, clock, fleet, changes, errors, ids: () => [...fleet.rows.keys()], connect };
}

describe("a fleet stream", () => {
  test("gathers the parts of the fleet, and says when it is whole", async () => {
    const { server, fleet, changes, ids, connect } = await listening();
    const send = await connect();
    expect(server.links[0]?.path).toBe("/ws/fleet");
    await send(part(["a", "b"], true));
    expect({ ids: ids(), complete: fleet.complete }).toEqual({ ids: ["a", "b"], complete: false });
    await send(part(["c"], false));
    expect({ ids: ids(), complete: fleet.complete }).toEqual({ ids: ["a", "b", "c"], complete: true });
    expect(changes).toEqual([["a", "b"], ["c"]]);
  });

  test("takes changed, new and removed rows, and tells which", async () => {
    const { fleet, changes, ids, connect } = await listening();
    const send = await connect();
    await send(part(["a", "b"], false));
    const untouched = fleet.rows.get("a");
    await send(changed(fleetRow("b", { online: true }), fleetRow("c")));
    await send({ type: "removed", server_time_ms: serverTimeMs, device_ids: ["c"] });
    expect(ids()).toEqual(["a", "b"]);
    expect(fleet.rows.get("b")?.online).toBe(true);
    expect(fleet.rows.get("a")).toBe(untouched);
    expect(changes.slice(1)).toEqual([["b", "c"], ["c"]]);
  });

  test("drops rows that went while it was not connected, once the new fleet is whole", async () => {
    const { server, fleet, changes, ids, connect } = await listening();
    const send = await connect();
    await send(part(["a", "b", "c"], false));
    server.links[0]?.socket.terminate();
    await eventually(() => expect(fleet.status).toBe("CLOSED"));
    expect(ids()).toEqual(["a", "b", "c"]);

    const sendAgain = await connect();
    await sendAgain(part(["a"], true), changed(fleetRow("c")));
    expect(ids()).toEqual(["a", "b", "c"]);
    await sendAgain(part(["d"], false));
    expect(ids()).toEqual(["a", "c", "d"]);
    expect(changes.at(-1)).toEqual(["d", "b"]);
  });

  test.each([
    "{",
    "[]",
    JSON.stringify({ type: "fleet", more: false, devices: [] }),
    JSON.stringify({ type: "changed", server_time_ms: 1, devices: [null] }),
    JSON.stringify({ type: "changed", server_time_ms: 1, devices: [{}] }),
    JSON.stringify({ type: "removed", server_time_ms: 1 }),
    JSON.stringify({ server_time_ms: 1, devices: [] }),
  ])("reports %s, and goes on", async (frame) => {
    const { errors, ids, connect } = await listening();
    const send = await connect();
    await send(frame, part(["a"], false));
    expect(errors.map(({ code }) => code)).toEqual(["malformed_frame"]);
    expect(ids()).toEqual(["a"]);
  });
});

test("a fleet stream lets frames of kinds that it does not know be, and is ended after 25 s of silence once there was a beat", async () => {
  const { server, fleet, clock, errors, connect } = await listening();
  const send = await connect();
  for (const type of ["beat", "something new"]) server.links[0]?.send({ type, server_time: "2026-01-31T12:00:00Z" });
  await send(part(["a"], false));
  expect(errors).toEqual([]);
  clock.advance(24_999);
  expect(fleet.status).toBe("OPEN");
  clock.advance(1);
  expect(fleet.status).toBe("CLOSED");
});

describe("the clock offset", () => {
  const at = (server_time_ms: number) => ({ type: "changed", server_time_ms, devices: [] });

  test("is unknown before the first frame", async () => {
    const { fleet } = await listening();
    expect(fleet.clockOffsetMs).toBeNull();
  });

  test("leads from this computer's clock to the server's, whatever this one shows", async () => {
    const { fleet, clock, connect } = await listening();
    const send = await connect();
    await send(at(serverTimeMs));
    clock.advance(5_000);
    expect(clock.now() + (fleet.clockOffsetMs ?? 0)).toBe(serverTimeMs + 5_000);
    clock.wallMs += 3_600_000;
    expect(clock.now() + (fleet.clockOffsetMs ?? 0)).toBe(serverTimeMs + 5_000);
  });

  test("is not fooled by a frame that was held up, which would make old values look fresh", async () => {
    const { fleet, clock, connect } = await listening();
    const send = await connect();
    await send(at(serverTimeMs));
    clock.advance(5_000);
    await send(at(serverTimeMs + 1_000));
    expect(clock.now() + (fleet.clockOffsetMs ?? 0)).toBe(serverTimeMs + 5_000);
    await send(at(serverTimeMs + 6_000));
    expect(clock.now() + (fleet.clockOffsetMs ?? 0)).toBe(serverTimeMs + 6_000);
  });

  test("is learnt anew with each connection, since the server's clock may have been set", async () => {
    const { server, fleet, clock, connect } = await listening();
    await (await connect())(at(serverTimeMs));
    server.links[0]?.socket.terminate();
    await eventually(() => expect(fleet.status).toBe("CLOSED"));
    await (await connect())(at(serverTimeMs - 60_000));
    expect(clock.now() + (fleet.clockOffsetMs ?? 0)).toBe(serverTimeMs - 60_000);
  });
});
