import type { FleetCommandBody, FleetPreviewBody, NewFleetCommandBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { type Caller, callerOf, callerWith } from "../../support/commands.ts";
import { eventually } from "../../support/eventually.ts";
import { openDevice, type TestSocket } from "../../support/sockets.ts";
import { startServer, type TestServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const charge = { action: "SET_MODE", payload: { target_mode: "MANUAL_CHARGE", target_power: 500 } } as const;
const inSweden = { ...charge, where: ["properties.region = SE"], settle_ms: 0 } as const;

interface Member {
  readonly deviceId: string;
  readonly socket: TestSocket;
  soc: number;
  flags: string[];
  /** Obeys unless told otherwise. */
  isDeaf: boolean;
  send(): void;
  /** Does what it was told, and shows it. */
  obey(): void;
}

/** Plain devices that do what they are told and show it. */
async function openFleet(
  server: TestServer,
  regions: readonly string[],
  tokens?: readonly string[],
): Promise<Member[]> {
  const members: Member[] = [];
  for (const [index, region] of regions.entries()) {
    const deviceId = `ems_${String(index + 1).padStart(3, "0")}`;
    let token = tokens?.[index];
    if (token === undefined) {
      const added = server.devices.add({ deviceId, properties: { region } });
      if ("code" in added) throw new Error(added.message);
      token = added.token;
    }
    const socket = await openDevice(server.wsUrl, deviceId, token);
    let system: object = { state: "IDLE", mode: "AUTO" };
    let power = 0;
    const member: Member = {
      deviceId,
      socket,
      soc: 40 + 10 * index,
      flags: [],
      isDeaf: false,
      send() {
        const system_status = { ...system, error_flags: member.flags };
        socket.send(sampleOf(deviceId, { system_status, battery: { soc: member.soc, power } } as never));
      },
      obey() {
        system = { state: "CHARGING", mode: "MANUAL" };
        power = 500;
        member.send();
      },
    };
    socket.webSocket.on("message", () => {
      if (!member.isDeaf) member.obey();
    });
    member.send();
    members.push(member);
  }
  return members;
}

async function begin(operator: Caller, body: NewFleetCommandBody): Promise<FleetCommandBody> {
  const answer = await operator.post<FleetCommandBody>("/fleet-commands", body);
  expect([answer.status, answer.body]).toEqual([202, expect.anything()]);
  return answer.body;
}

function reaches(operator: Caller, id: string, status: FleetCommandBody["status"]): Promise<FleetCommandBody> {
  return eventually(
    async () => {
      const fleet = await operator.fleet(id);
      expect([fleet.status, fleet.cause]).toEqual([status, expect.anything()]);
      return fleet;
    },
    { withinMs: 10_000 },
  );
}

describe("the conditions", () => {
  test("select by properties, presence, state and the newest values, all together; a preview gives the count", async () => {
    const server = await startServer();
    const operator = callerOf(server, "operator");
    const members = await openFleet(server, ["SE", "SE", "IN", "SE", "SE"]);
    server.addDevice("silent");
    const preview = async (...where: string[]): Promise<FleetPreviewBody> =>
      (await operator.post<FleetPreviewBody>("/fleet-commands", { ...charge, where, dry_run: true })).body;
    await eventually(async () => expect((await preview("battery.soc >= 40")).count).toBe(5));
    const ids = async (...where: string[]) => (await preview(...where)).device_ids.map((id) => Number(id.slice(4)));
    expect(await ids("properties.region = SE")).toEqual([1, 2, 4, 5]);
    expect(await ids("properties.region = SE", "battery.soc > 60")).toEqual([4, 5]);
    expect(await ids("properties.region != SE", "online = true")).toEqual([3]);
    expect(await ids("state = IDLE", "battery.soc <= 50")).toEqual([1, 2]);
    expect(await ids("id = ems_004")).toEqual([4]);
    members[1]?.socket.send(
      sampleOf("ems_002", { system_status: { state: "ERROR", mode: "AUTO", error_flags: ["OVERHEAT"] } }),
    );
    await eventually(async () => expect(await ids("state = ERROR")).toEqual([2]));
    expect(await ids("system_status.error_flags = OVERHEAT")).toEqual([2]);
    // What has never said its charge neither has more than 60 % nor less.
    expect((await preview("battery.soc > 0")).unknown_count).toBe(1);
    expect(await preview('properties.region = "SE"')).toMatchObject({ count: 4, waves: [1, 1, 1, 1], misfits: [] });
    expect((await operator.list("ems_001")).commands).toEqual([]);
  });

  test("leave out devices that cannot be told so, and the preview says why", async () => {
    const server = await startServer();
    const operator = callerOf(server, "operator");
    await openFleet(server, ["SE"]);
    const body = { action: "RESTART", payload: {}, where: ["online = true"], dry_run: true };
    const preview = (await operator.post<FleetPreviewBody>("/fleet-commands", body)).body;
    expect(preview).toMatchObject({ count: 0, misfit_count: 1, misfits: [{ device_id: "ems_001" }] });
  });
});

test("a fleet command goes to the canary first, then in waves, and ends with a record for each device", async () => {
  const server = await startServer();
  const operator = callerOf(server, "operator");
  const members = await openFleet(server, ["SE", "SE", "SE", "SE", "SE"]);
  for (const member of members) member.isDeaf = true;
  const { fleet_command_id: id, ...begun } = await begin(operator, { ...inSweden, canary: 1, wave_size: 2 });
  expect(begun).toMatchObject({ status: "running", total: 5, waves: 3 });
  const told = () => members.map(({ socket }) => socket.received.length);
  // As long as the canary has not shown it, nobody else is told.
  await members[0]?.socket.receive(1);
  members[0]?.send();
  await eventually(async () => expect((await operator.fleet(id)).counts).toMatchObject({ sent: 1, waiting: 4 }));
  expect(told()).toEqual([1, 0, 0, 0, 0]);
  for (const member of members) member.isDeaf = false;
  members[0]?.obey();
  const done = await reaches(operator, id, "done");
  expect(done).toMatchObject({ counts: { applied: 5 }, new_errors: 0, wave: 2 });
  expect(told()).toEqual([1, 1, 1, 1, 1]);
  const devices = await operator.fleetDevices(id);
  expect(devices.map(({ wave }) => wave)).toEqual([0, 1, 1, 2, 2]);
  const [first] = devices;
  const command = await operator.show(first?.device_id ?? "", first?.command_id ?? "");
  expect(command).toMatchObject({ status: "applied", fleet_command_id: id, requested_by: "token operator" });
});

test("it stops by itself when changed devices raise error flags that they did not have", async () => {
  const server = await startServer();
  const operator = callerOf(server, "operator");
  const members = await openFleet(server, ["SE", "SE", "SE", "SE"]);
  // An old error is not held against the command.
  const [canary, second] = members;
  if (canary !== undefined) canary.flags = ["OLD"];
  canary?.send();
  await eventually(async () => {
    const { latest } = await operator.get<{ latest: { telemetry: { system_status: object } } }>("/devices/ems_001");
    expect(latest.telemetry.system_status).toMatchObject({ error_flags: ["OLD"] });
  });
  const { fleet_command_id: id } = await begin(operator, { ...inSweden, canary: 1, wave_size: 1, settle_ms: 60_000 });
  await eventually(async () => expect((await operator.fleet(id)).counts).toMatchObject({ applied: 1 }));
  if (canary !== undefined) canary.flags = ["OLD", "OVERHEAT"];
  canary?.send();
  const stopped = await reaches(operator, id, "stopped");
  expect(stopped).toMatchObject({ counts: { applied: 1, skipped: 3 }, new_errors: 1 });
  expect(stopped.cause).toContain("ems_001 OVERHEAT");
  expect((await operator.fleetDevices(id))[0]).toMatchObject({ device_id: "ems_001", new_flags: ["OVERHEAT"] });
  expect(second?.socket.received).toEqual([]);
});

test("it stops when the canary does not apply it", async () => {
  const server = await startServer();
  const operator = callerOf(server, "operator");
  const members = await openFleet(server, ["SE", "SE"]);
  for (const member of members) member.socket.webSocket.terminate();
  await eventually(async () => {
    const { devices } = await operator.get<{ devices: { online: boolean }[] }>("/devices");
    expect(devices.map(({ online }) => online)).toEqual([false, false]);
  });
  const { fleet_command_id: id } = await begin(operator, { ...inSweden, ttl_ms: 1_000 });
  const stopped = await reaches(operator, id, "stopped");
  expect(stopped.counts).toEqual({ expired: 1, skipped: 1 });
  expect(stopped.cause).toContain("did not apply it: expired");
});

test("aborted, it takes back what was not sent, begins nothing more, and follows what was sent to its end", async () => {
  const server = await startServer();
  const operator = callerOf(server, "operator");
  const members = await openFleet(server, ["SE", "SE", "SE"]);
  const [deaf, gone] = members;
  if (deaf !== undefined) deaf.isDeaf = true;
  gone?.socket.webSocket.terminate();
  await eventually(async () => {
    expect((await operator.get<{ online: boolean }>("/devices/ems_002")).online).toBe(false);
  });
  // Those that are there come first: ems_001 and ems_003, then ems_002.
  const { fleet_command_id: id } = await begin(operator, { ...inSweden, canary: 3, ttl_ms: 60_000 });
  await eventually(async () => expect((await operator.fleet(id)).counts).toEqual({ sent: 1, queued: 1, applied: 1 }));
  const aborted = await operator.post<FleetCommandBody>(`/fleet-commands/${id}/abort`, {});
  expect([aborted.status, aborted.body.status]).toEqual([200, "aborted"]);
  await eventually(async () =>
    expect((await operator.fleet(id)).counts).toEqual({ sent: 1, superseded: 1, applied: 1 }),
  );
  if (deaf !== undefined) deaf.isDeaf = false;
  deaf?.obey();
  await eventually(async () => expect((await operator.fleet(id)).counts).toEqual({ superseded: 1, applied: 2 }));
  expect((await operator.post(`/fleet-commands/${id}/abort`, {})).status).toBe(409);
  expect((await operator.post("/fleet-commands/fleet_unknown/abort", {})).status).toBe(404);
});

test("it goes on after a restart of the server where it was, and tells no device twice", async () => {
  const server = await startServer();
  const operator = callerOf(server, "operator");
  const tokens = ["SE", "SE", "SE"].map((region, index) => {
    const added = server.devices.add({ deviceId: `ems_00${index + 1}`, properties: { region } });
    if ("code" in added) throw new Error(added.message);
    return added.token;
  });
  const members = await openFleet(server, ["SE", "SE", "SE"], tokens);
  await eventually(async () => {
    const { devices } = await operator.get<{ devices: { online: boolean }[] }>("/devices");
    expect(devices.filter(({ online }) => online)).toHaveLength(3);
  });
  for (const member of members) member.isDeaf = true;
  const { fleet_command_id: id } = await begin(operator, { ...inSweden, wave_size: 1, ttl_ms: 60_000 });
  await eventually(() => expect(members.some(({ socket }) => socket.received.length === 1)).toBe(true));
  await server.stop();

  const next = await startServer({ dataDir: server.dataDir });
  const caller = callerWith(next, operator.token);
  expect((await caller.fleet(id)).status).toBe("running");
  const again = await openFleet(next, ["SE", "SE", "SE"], tokens);
  const done = await reaches(caller, id, "done");
  expect(done.counts).toEqual({ applied: 3 });
  // The canary may have got its frame once more; nobody has got another command.
  for (const { deviceId } of again) expect((await caller.list(deviceId)).commands).toHaveLength(1);
  expect((await caller.get<{ fleet_commands: object[] }>("/fleet-commands")).fleet_commands).toHaveLength(1);
});
