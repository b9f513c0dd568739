import { isRefusal } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { AlarmFleet } from "./alarm-fleet.fixture.ts";
import { titleOf } from "./alarm-words.ts";
import { describeCause } from "./shared-cause.ts";

const minuteS = 60;

async function fleetWith(rule: Parameters<AlarmFleet["alarms"]["addRule"]>[0]): Promise<AlarmFleet> {
  const fleet = await AlarmFleet.start();
  const made = await fleet.alarms.addRule(rule);
  if (isRefusal(made)) throw new Error(made.message);
  return fleet;
}

const batteryLow = {
  name: "Battery is nearly empty",
  when: ["battery.soc < 10"],
  clear_when: ["battery.soc > 15"],
  for_s: 30,
  clear_for_s: 5,
};

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `ems_${String(at + 1).padStart(3, "0")}`);
}

describe("a rule on what a device sends", () => {
  test("rings when it has held for long enough, to the second, and is over with its hysteresis", async () => {
    const fleet = await fleetWith(batteryLow);
    fleet.add("ems_001");
    const sendSoc = (soc: number) => () => fleet.send("ems_001", { battery: { soc } });
    await fleet.run(10, sendSoc(50));
    const lowAtMs = fleet.clock.wallMs();
    await fleet.run(30, sendSoc(9));
    expect(fleet.open()).toEqual([]);
    await fleet.run(2, sendSoc(9));
    expect(fleet.only().record).toMatchObject({ sinceMs: lowAtMs, raisedAtMs: lowAtMs + 30_000, severity: "warning" });
    expect([...fleet.only().members.values()]).toMatchObject([
      { deviceId: "ems_001", untilMs: null, evidence: { "battery.soc": 9 } },
    ]);
    await fleet.run(20, sendSoc(12));
    expect(fleet.open()).toHaveLength(1);
    const overAtMs = fleet.clock.wallMs();
    await fleet.run(7, sendSoc(16));
    expect(fleet.open()).toEqual([]);
    const [ended] = [...(await fleet.store.listEnded({ limit: 10 }))];
    expect(ended?.record).toMatchObject({ clearedAtMs: overAtMs + 5_000, clearedBecause: "it is over" });
    expect(fleet.told).toEqual(["raised alm_2", "cleared alm_2"]);
  });

  test("does not ring where it was otherwise for a moment, or where nobody knows what was between", async () => {
    const fleet = await fleetWith({ ...batteryLow, for_s: 60 });
    fleet.add("ems_001");
    const sendSoc = (soc: number) => () => fleet.send("ems_001", { battery: { soc } });
    await fleet.run(50, sendSoc(9));
    await fleet.run(1, sendSoc(11));
    await fleet.run(20, sendSoc(9));
    await fleet.run(45);
    await fleet.run(50, sendSoc(9));
    expect(fleet.open()).toEqual([]);
    await fleet.run(13, sendSoc(9));
    expect(fleet.open()).toHaveLength(1);
  });

  test("says nothing by what was measured long ago", async () => {
    const fleet = await fleetWith({ ...batteryLow, for_s: 0 });
    fleet.add("ems_001");
    fleet.send("ems_001", { battery: { soc: 5 } }, 120_000);
    await fleet.run(5);
    expect(fleet.open()).toEqual([]);
  });

  test("goes on after a restart where it was, whether the server ended well or was killed", async () => {
    for (const isKilled of [false, true]) {
      const fleet = await fleetWith(batteryLow);
      fleet.add("ems_001");
      const low = () => fleet.send("ems_001", { battery: { soc: 9 } });
      const lowAtMs = fleet.clock.wallMs();
      await fleet.run(20, low);
      await fleet.restart(5_000, isKilled);
      await fleet.run(8, low);
      expect(fleet.only().record).toMatchObject({ sinceMs: lowAtMs, raisedAtMs: lowAtMs + 30_000 });
      await fleet.restart(5_000, isKilled);
      await fleet.run(3, low);
      expect(fleet.open()).toHaveLength(1);
      await fleet.run(8, () => fleet.send("ems_001", { battery: { soc: 20 } }));
      expect(fleet.open()).toEqual([]);
      expect(fleet.told.map((each) => each.split(" ")[0])).toEqual(["raised", "cleared"]);
    }
  });

  test("begins anew after a restart that took longer than a sample speaks for", async () => {
    const fleet = await fleetWith({ ...batteryLow, for_s: 60 });
    fleet.add("ems_001");
    const low = () => fleet.send("ems_001", { battery: { soc: 9 } });
    await fleet.run(20, low);
    await fleet.restart(120_000);
    const againMs = fleet.clock.wallMs();
    await fleet.run(63, low);
    expect(fleet.only().record.sinceMs).toBe(againMs);
  });

  test("of a device that sends its sections in messages of their own rings when all of them meet it", async () => {
    const fleet = await fleetWith({ name: "Both", when: ["battery.soc < 10", "state = IDLE"], for_s: 5 });
    fleet.add("ems_001");
    await fleet.run(8, () => {
      fleet.send("ems_001", { battery: { soc: 5 } });
      fleet.send("ems_001", { system_status: { state: "IDLE" } });
    });
    expect(fleet.open()).toHaveLength(1);
  });

  test("follows the properties of a device into its scope and out of it", async () => {
    const fleet = await fleetWith({ ...batteryLow, for_s: 0, where: ["properties.site = north"] });
    fleet.add("ems_001", { site: "south" });
    const low = () => fleet.send("ems_001", { battery: { soc: 9 } });
    await fleet.run(5, low);
    expect(fleet.open()).toEqual([]);
    const device = fleet.devices.get("ems_001");
    if (device === undefined) throw new Error("gone");
    fleet.devices.set("ems_001", { ...device, properties: { site: "north" } });
    await fleet.run(3, low);
    expect(fleet.open()).toHaveLength(1);
    fleet.devices.set("ems_001", device);
    await fleet.run(3, low);
    expect(fleet.open()).toEqual([]);
    const [ended] = await fleet.store.listEnded({ limit: 1 });
    expect(ended?.record.clearedBecause).toBe("the rule is not about it any more");
  });

  test("that comes and goes is one alarm in the record", async () => {
    const fleet = await fleetWith({ name: "Low", when: ["battery.soc < 10"], for_s: 0, clear_for_s: 0 });
    fleet.add("ems_001");
    for (let round = 0; round < 200; round++) {
      await fleet.run(2, () => fleet.send("ems_001", { battery: { soc: 5 } }));
      await fleet.run(2, () => fleet.send("ems_001", { battery: { soc: 50 } }));
    }
    const ended = await fleet.store.listEnded({ limit: 10 });
    expect(ended).toHaveLength(1);
    expect(ended[0]?.record.rings).toBe(200);
    expect(ended[0]?.record.steps).toHaveLength(100);
  });
});

test("error flags ring with their words, and with each flag that comes", async () => {
  const fleet = await AlarmFleet.start();
  fleet.add("ems_001");
  const send = (flags: string[]) => () => fleet.send("ems_001", { system_status: { error_flags: flags } });
  await fleet.run(3, send([]));
  await fleet.run(10, send(["OVERHEAT"]));
  const title = (): string => {
    const { record, members } = fleet.only();
    return titleOf(record, 1, members.get("ems_001"), null);
  };
  expect(title()).toMatch(/^ems_001: The battery is too hot\./);
  await fleet.run(3, send(["OVERHEAT", "OWN_FLAG"]));
  expect(title()).toContain("OWN_FLAG");
  await fleet.run(35, send([]));
  expect(fleet.open()).toEqual([]);
});

test("values that are left out ring for as long as that goes on", async () => {
  const fleet = await AlarmFleet.start();
  fleet.add("ems_001");
  const faulty = () => {
    fleet.send("ems_001");
    fleet.states
      .get("ems_001")
      ?.faultyValues.note([{ point: "grid.power", fault: "not_available" }], fleet.clock.wallMs());
  };
  faulty();
  fleet.alarms.tellDevice("values_left_out", "ems_001", { event: "grid.power" });
  await fleet.run(30 * minuteS, faulty);
  expect(fleet.only().record.kind).toBe("values_left_out");
  await fleet.run(12 * minuteS, () => fleet.send("ems_001"));
  expect(fleet.open()).toEqual([]);
});

describe("silence", () => {
  test("of 300 devices that are cut at once is one alarm, that is over when all are back", async () => {
    const fleet = await AlarmFleet.start();
    for (const [at, id] of ids(300).entries()) fleet.add(id, { place: at < 41 ? "Uppsala" : "Lund", country: "SE" });
    await fleet.run(3 * minuteS, () => {
      for (const id of ids(300)) fleet.send(id);
    });
    await fleet.run(4 * minuteS);
    const { record } = fleet.only();
    expect(record).toMatchObject({ ruleId: "no_data", deviceCount: 300, openDeviceCount: 300 });
    expect(record.cause && describeCause(record.cause)).toBe("300 of 300 in SE");
    await fleet.run(minuteS, () => {
      for (const id of ids(100)) fleet.send(id);
    });
    expect(fleet.only().record.openDeviceCount).toBe(200);
    await fleet.run(minuteS, () => {
      for (const id of ids(300)) fleet.send(id);
    });
    expect(fleet.open()).toEqual([]);
    expect(fleet.told.filter((each) => each.startsWith("raised"))).toHaveLength(1);
  });

  test("tells what those share that are silent and the others do not", async () => {
    const fleet = await AlarmFleet.start();
    const uppsala = ids(41);
    for (const [at, id] of ids(100).entries()) {
      fleet.add(id, { place: at < 41 ? "Uppsala" : "Lund", country: "SE", software_version: `2.${at % 2}.0` });
    }
    await fleet.run(2 * minuteS, () => {
      for (const id of ids(100)) fleet.send(id);
    });
    await fleet.run(4 * minuteS, () => {
      for (const id of ids(100)) if (!uppsala.includes(id)) fleet.send(id);
    });
    const { record, members } = fleet.only();
    expect(members.size).toBe(41);
    expect(record.cause && describeCause(record.cause)).toBe("41 of 41 in Uppsala");
    expect(titleOf(record, 41, undefined, record.cause)).toBe("41 devices send nothing, all in Uppsala");
  });

  test("is told by the step that is usual for a device", async () => {
    const fleet = await AlarmFleet.start();
    fleet.add("slow");
    for (let round = 0; round < 12; round++) {
      fleet.send("slow");
      await fleet.run(15 * minuteS);
    }
    expect(fleet.open()).toEqual([]);
    await fleet.run(45 * minuteS);
    expect(fleet.only().record.ruleId).toBe("no_data");
  });

  test("blames nobody after the server was away, stood still, or had its clock set", async () => {
    const fleet = await AlarmFleet.start();
    for (const id of ids(10)) fleet.add(id);
    const sendAll = () => {
      for (const id of ids(10)) fleet.send(id);
    };
    await fleet.run(2 * minuteS, sendAll);
    await fleet.restart(3_600_000);
    await fleet.run(30);
    await fleet.run(2 * minuteS, sendAll);
    fleet.clock.stall(600_000);
    await fleet.run(5);
    await fleet.run(2 * minuteS, sendAll);
    fleet.clock.stepWall(7_200_000);
    fleet.alarms.serverStepped(7_200_000);
    await fleet.run(5);
    await fleet.run(2 * minuteS, sendAll);
    fleet.clock.stepWall(-7_200_000);
    fleet.alarms.serverStepped(-7_200_000);
    await fleet.run(5);
    await fleet.run(3 * minuteS, sendAll);
    expect(fleet.told).toEqual([]);
    await fleet.run(4 * minuteS);
    expect(fleet.only().record.deviceCount).toBe(10);
  });

  test("never rings of a SolMate that rests, and rings when its link has ended", async () => {
    const fleet = await AlarmFleet.start();
    fleet.add("SM01", { dialect: "smart-os" });
    fleet.send("SM01");
    await fleet.run(8 * 60 * minuteS);
    expect(fleet.open()).toEqual([]);
    fleet.offlineSinceMs.set("SM01", fleet.clock.wallMs());
    await fleet.run(4 * minuteS);
    expect(fleet.open()).toHaveLength(1);
    fleet.offlineSinceMs.delete("SM01");
    await fleet.run(minuteS);
    expect(fleet.open()).toEqual([]);
  });

  test("of a device that was never heard, or whose token was revoked, is none; and ends with its removal", async () => {
    const fleet = await AlarmFleet.start();
    for (const id of ids(3)) fleet.add(id);
    await fleet.run(2 * minuteS, () => {
      fleet.send("ems_001");
      fleet.send("ems_002");
    });
    await fleet.run(5 * minuteS);
    expect(fleet.only().record.deviceCount).toBe(2);
    const revoked = fleet.devices.get("ems_001");
    if (revoked !== undefined) fleet.devices.set("ems_001", { ...revoked, token: null });
    await fleet.run(2);
    expect(fleet.only().record.openDeviceCount).toBe(1);
    fleet.devices.delete("ems_002");
    await fleet.run(2);
    expect(fleet.open()).toEqual([]);
    const [ended] = await fleet.store.listEnded({ limit: 1 });
    expect(ended?.record.clearedBecause).toBe("the device was removed");
  });

  test("takes in who falls silent later and shares the cause", async () => {
    const fleet = await AlarmFleet.start();
    for (const [at, id] of ids(40).entries()) fleet.add(id, { site: at < 10 ? "A" : "B" });
    const others = ids(40).slice(10);
    const last = "ems_010";
    const send = (some: readonly string[]) => () => {
      for (const id of some) fleet.send(id);
    };
    await fleet.run(2 * minuteS, send(ids(40)));
    await fleet.run(4 * minuteS, send([...others, last]));
    expect(fleet.only().record.deviceCount).toBe(9);
    await fleet.run(4 * minuteS, send(others));
    const { record } = fleet.only();
    expect(record.deviceCount).toBe(10);
    expect(record.cause && describeCause(record.cause)).toBe("10 of 10 at site A");
  });

  test("ends with the samples that come later, and these ring nothing", async () => {
    const fleet = await fleetWith({ ...batteryLow, for_s: 0 });
    fleet.add("ems_001");
    await fleet.run(2 * minuteS, () => fleet.send("ems_001", { battery: { soc: 50 } }));
    await fleet.run(4 * minuteS);
    expect(fleet.open()).toHaveLength(1);
    fleet.alarms.filled("ems_001");
    await fleet.run(1);
    expect(fleet.open()).toEqual([]);
    const [ended] = await fleet.store.listEnded({ limit: 1 });
    expect(ended?.record.clearedBecause).toBe("the samples came later");
  });
});

describe("the life of an alarm", () => {
  test("rings again when a snooze ends and it still holds", async () => {
    const fleet = await fleetWith({ ...batteryLow, for_s: 0 });
    fleet.add("ems_001");
    const low = () => fleet.send("ems_001", { battery: { soc: 9 } });
    await fleet.run(3, low);
    const { alarmId } = fleet.only().record;
    expect(fleet.alarms.acknowledge(alarmId, "ada", "on my way")).toBeNull();
    expect(fleet.alarms.snooze(alarmId, fleet.clock.wallMs() + 60_000, "ada", "")).toBeNull();
    await fleet.run(58, low);
    expect(fleet.only().record.snoozedUntilMs).not.toBeNull();
    await fleet.run(4, low);
    expect(fleet.only().record).toMatchObject({ snoozedUntilMs: null, acknowledgedBy: null, rings: 2 });
    expect(fleet.told.map((each) => each.split(" ")[0])).toEqual(["raised", "acknowledged", "snoozed", "snooze_ended"]);
    expect(fleet.alarms.snooze(alarmId, fleet.clock.wallMs() - 1, "ada", "")).toMatchObject({
      code: "invalid_request",
    });
  });

  test("of what has only happened ends when somebody has seen it", async () => {
    const fleet = await AlarmFleet.start();
    fleet.alarms.telling.begin("fleet_command_stopped", "fleet_1", "It has stopped itself");
    await fleet.run(2);
    const { alarmId } = fleet.only().record;
    fleet.alarms.acknowledge(alarmId, "ada", "");
    await fleet.run(2);
    expect(fleet.open()).toEqual([]);
  });

  test("of the server is over when it is told so", async () => {
    const fleet = await AlarmFleet.start();
    let isFailing = true;
    fleet.alarms.addCheck((_, tell) => {
      if (isFailing) tell.begin("store_failing", "", "Samples are not stored: the disk is full");
      else tell.end("store_failing", "");
    });
    await fleet.run(9);
    expect(fleet.open()).toEqual([]);
    await fleet.run(3);
    expect(fleet.only().record).toMatchObject({ kind: "store_failing", severity: "critical", deviceCount: 0 });
    isFailing = false;
    await fleet.run(13);
    expect(fleet.open()).toEqual([]);
  });

  test("rings while the disk is full, and is stored when there is room", async () => {
    const fleet = await fleetWith({ ...batteryLow, for_s: 0 });
    fleet.add("ems_001");
    const { commit } = fleet.store;
    Object.assign(fleet.store, { commit: async () => Promise.reject(new Error("no room")) });
    await fleet.run(3, () => fleet.send("ems_001", { battery: { soc: 9 } }));
    expect(fleet.told).toHaveLength(1);
    Object.assign(fleet.store, { commit });
    await fleet.run(3, () => fleet.send("ems_001", { battery: { soc: 9 } }));
    expect((await fleet.store.load()).open).toHaveLength(1);
  });
});
