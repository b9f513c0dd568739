import type { FleetRow } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { failed } from "./message.ts";
import { NotifyWorld, notice, over, person } from "./notify-world.fixture.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

async function world(): Promise<NotifyWorld> {
  return new NotifyWorld().start();
}

describe("who is told", () => {
  test("everybody who wants it, once, and of its end by the same channel", async () => {
    const w = await world();
    w.add("ada");
    w.add("bob", { severities: ["critical"] });
    const begun = notice("alm_1");
    w.notifier.tell(begun);
    w.notifier.tell(begun);
    await w.settle();
    expect(w.lines).toEqual(["ada begins alm_1"]);
    w.notifier.tell(over(begun, w.clock.wallMs()));
    await w.settle();
    expect(w.lines).toEqual(["ada begins alm_1", "ada over alm_1"]);
    expect(w.notifier.open()).toEqual([]);
  });

  test("somebody is told of their own devices alone, and of those that come to it later", async () => {
    const w = await world();
    w.add("ada", {}, ["ems_002"]);
    w.add("bob", {}, ["ems_009"]);
    w.notifier.tell(notice("alm_1"));
    await w.settle();
    expect(w.taken.map(({ channel, deviceIds }) => [channel, deviceIds])).toEqual([["ada", ["ems_002"]]]);
    expect(w.taken[0]?.records[0]?.title).toBe("No data: ems_002");
    w.notifier.tell(notice("alm_1", { deviceIds: ["ems_001", "ems_002", "ems_009"] }));
    await w.settle();
    expect(w.lines).toEqual(["ada begins alm_1", "bob begins alm_1"]);
  });

  test("what is about the server goes to those alone who have all devices", async () => {
    const w = await world();
    w.add("ada");
    w.add("bob", {}, ["ems_001"]);
    w.add("eve", { withServer: false });
    w.notifier.tell(notice("alm_1", { deviceIds: [], title: "The disk is nearly full" }));
    await w.settle();
    expect(w.lines).toEqual(["ada begins alm_1"]);
  });

  test("conditions choose the devices; what cannot be judged is told", async () => {
    const w = await world();
    const row = (id: string, region: string) => ({ id, name: id, properties: { region }, points: {}, others: {} });
    w.rows.set("ems_001", row("ems_001", "SE") as unknown as FleetRow);
    w.rows.set("ems_002", row("ems_002", "AT") as unknown as FleetRow);
    w.add("ada", { where: ["properties.region = SE"] });
    w.add("bob", { where: ["properties.region = DE"] });
    w.add("eve", { where: ["battery.soc < 10"] });
    w.notifier.tell(notice("alm_1"));
    await w.settle();
    const taken = w.taken.map(({ channel, deviceIds }) => [channel, deviceIds]);
    expect(taken.sort()).toEqual([
      ["ada", ["ems_001"]],
      ["eve", ["ems_001", "ems_002"]],
    ]);
  });

  test("rights that have shrunk since hold at the time of sending", async () => {
    const w = await world();
    w.add("ada");
    w.receiver = () => failed("down");
    w.notifier.tell(notice("alm_1"));
    await w.settle();
    w.rights.set("ada", new Set(["ems_002"]));
    w.receiver = () => ({ kind: "delivered" });
    await w.pass(minuteMs);
    expect(w.taken.map(({ deviceIds }) => deviceIds)).toEqual([["ems_002"]]);
    w.rights.set("ada", new Set());
    w.notifier.tell(over(notice("alm_1"), w.clock.wallMs()));
    await w.settle();
    expect(w.lines).toEqual(["ada begins alm_1"]);
    expect((await w.stored())[0]).toMatchObject({ phase: "over", status: "withdrawn" });
  });

  test("a removed account has no channels any more, and its name is another's", async () => {
    const w = await world();
    w.add("ada");
    w.rights.delete("ada");
    await w.pass(minuteMs);
    expect(w.channels.of(person("ada"))).toEqual([]);
  });
});

describe("when", () => {
  test("quiet hours collect until they end by the clock of the person, but for what is critical by choice", async () => {
    const w = await new NotifyWorld(Date.UTC(2026, 0, 31, 22, 30)).start();
    w.add("ada");
    w.channels.changePreferences(person("ada"), {
      timeZone: "Europe/Vienna",
      quietHours: { from: "22:00", to: "07:00", critical_breaks_through: true },
    });
    w.notifier.tell(notice("alm_1"));
    w.notifier.tell(notice("alm_2", { severity: "critical" }));
    w.notifier.tell(notice("alm_3"));
    w.notifier.tell(over(notice("alm_3"), w.clock.wallMs()));
    await w.settle();
    expect(w.lines).toEqual(["ada begins alm_2"]);
    await w.pass(7 * hourMs, 5 * minuteMs);
    expect(w.taken).toHaveLength(1);
    await w.pass(31 * minuteMs, minuteMs);
    expect(w.taken).toHaveLength(2);
    expect(w.lines.slice(1)).toEqual(["ada begins alm_1", "ada begins alm_3", "ada over alm_3"]);
    expect(new Date(w.taken[1]?.atMs ?? 0).toISOString()).toBe("2026-02-01T06:00:00.000Z");
  });

  test("a digest collects for its minutes from the first on", async () => {
    const w = await world();
    w.add("ada", { digestMinutes: 10 });
    w.notifier.tell(notice("alm_1"));
    await w.settle();
    await w.pass(9 * minuteMs);
    w.notifier.tell(notice("alm_2"));
    await w.settle();
    expect(w.taken).toEqual([]);
    await w.pass(minuteMs);
    expect(w.taken.map(({ records }) => records.length)).toEqual([2]);
  });

  test("beyond the limit of an hour the rest goes in one message, and the limit outlives a restart", async () => {
    const w = await world();
    w.perHour = 3;
    await w.kill();
    await w.start();
    w.add("ada");
    for (let at = 1; at <= 8; at++) w.notifier.tell(notice(`alm_${at}`));
    await w.settle();
    expect(w.taken).toHaveLength(3);
    await w.kill();
    await w.start();
    await w.pass(59 * minuteMs, minuteMs);
    expect(w.taken).toHaveLength(3);
    await w.pass(2 * minuteMs, minuteMs);
    expect(w.taken.map(({ records }) => records.length)).toEqual([1, 1, 1, 5]);
  });

  test("nobody is told of devices in maintenance until the window ends and it still holds", async () => {
    const w = await world();
    w.add("ada");
    w.windows.add({
      deviceIds: ["ems_001", "ems_002"],
      where: [],
      note: "",
      fromMs: w.clock.wallMs(),
      untilMs: w.clock.wallMs() + hourMs,
      createdBy: person("ada"),
    });
    w.notifier.tell(notice("alm_1"));
    w.notifier.tell(notice("alm_2"));
    w.notifier.tell(over(notice("alm_2"), w.clock.wallMs()));
    w.notifier.tell(notice("alm_3", { deviceIds: ["ems_002", "ems_003"] }));
    await w.settle();
    expect(w.taken.map(({ deviceIds }) => deviceIds)).toEqual([["ems_003"]]);
    await w.pass(hourMs + minuteMs, minuteMs);
    expect(w.lines).toEqual(["ada begins alm_3", "ada begins alm_1"]);
  });

  test("without acknowledgement somebody else is told, at once, and of its end as well", async () => {
    const w = await world();
    w.add("ada");
    w.add("bob", { severities: [] });
    w.notifier.setEscalation([{ after_minutes: 15, severities: ["critical"], person: "bob" }]);
    w.notifier.tell(notice("alm_1", { severity: "critical" }));
    w.notifier.tell(notice("alm_2", { severity: "critical" }));
    w.notifier.acknowledged("alm_2");
    await w.pass(14 * minuteMs);
    expect(w.lines.filter((line) => line.startsWith("bob"))).toEqual([]);
    await w.pass(2 * minuteMs);
    expect(w.lines.filter((line) => line.startsWith("bob"))).toEqual(["bob escalated alm_1"]);
    w.notifier.tell(over(notice("alm_1", { severity: "critical" }), w.clock.wallMs()));
    await w.settle();
    expect(w.lines.filter((line) => line.startsWith("bob"))).toEqual(["bob escalated alm_1", "bob over alm_1"]);
  });

  test("an escalation that reaches nobody says so", async () => {
    const w = await world();
    w.add("ada");
    w.notifier.setEscalation([{ after_minutes: 1, severities: ["warning"], person: "zoe" }]);
    w.notifier.tell(notice("alm_1"));
    await w.pass(2 * minuteMs);
    expect(w.told).toEqual(["zoe cannot be told"]);
  });
});

describe("a receiver that fails", () => {
  test("is tried again with backoff until it is there, in order and under the same id", async () => {
    const w = await world();
    w.add("ada");
    const ids: string[] = [];
    w.receiver = () => {
      ids.push("try");
      return failed("The mail server cannot be reached.");
    };
    const begun = notice("alm_1");
    w.notifier.tell(begun);
    await w.pass(30 * minuteMs);
    w.notifier.tell(over(begun, w.clock.wallMs()));
    await w.pass(30 * minuteMs);
    expect(w.told).toEqual(["ada fails"]);
    expect(ids.length).toBeGreaterThan(4);
    expect(ids.length).toBeLessThan(10);
    w.receiver = () => ({ kind: "delivered" });
    await w.pass(31 * minuteMs);
    expect(w.lines).toEqual(["ada begins alm_1", "ada over alm_1"]);
    expect(w.told).toEqual(["ada fails", "ada works"]);
    expect(w.taken[0]?.records[0]?.tries).toBe(ids.length + 1);
  });

  test("is given up by name after a day, and nobody hears of an end without a beginning", async () => {
    const w = await world();
    w.add("ada");
    w.receiver = () => failed("It answers 503.");
    const begun = notice("alm_1");
    w.notifier.tell(begun);
    await w.pass(hourMs, 10 * minuteMs);
    w.notifier.tell(over(begun, w.clock.wallMs()));
    await w.pass(24 * hourMs, 10 * minuteMs);
    expect(w.gaveUp.map(({ phase, cause }) => `${phase}: ${cause}`)).toEqual([
      "begins: Tried for a day. It answers 503.",
    ]);
    w.receiver = () => ({ kind: "delivered" });
    await w.pass(hourMs, minuteMs);
    expect(w.taken).toEqual([]);
    expect((await w.stored()).map(({ phase, status }) => `${phase} ${status}`)).toEqual([
      "over withdrawn",
      "begins given_up",
    ]);
  });

  test("what says that there is nobody any more ends the channel, loudly", async () => {
    const w = await world();
    w.add("ada");
    w.receiver = () => failed("gone (410)", "channel");
    w.notifier.tell(notice("alm_1"));
    await w.settle();
    expect(w.told).toEqual(["ada fails"]);
    expect(w.gaveUp.map(({ cause }) => cause)).toEqual(["gone (410)"]);
    w.notifier.tell(notice("alm_2"));
    await w.settle();
    expect(await w.stored()).toHaveLength(1);
  });

  test("holds up nobody else", async () => {
    const w = await world();
    w.add("ada");
    w.add("bob");
    w.receiver = ({ name }) => (name === "ada" ? new Promise(() => {}) : { kind: "delivered" });
    w.notifier.tell(notice("alm_1"));
    w.notifier.tell(notice("alm_2"));
    await w.settle();
    expect(w.lines).toEqual(["bob begins alm_1", "bob begins alm_2"]);
  });

  test("more than may wait for one channel are given up, the oldest first, by name", async () => {
    const w = await world();
    w.add("ada");
    w.receiver = () => failed("down");
    for (let at = 1; at <= 205; at++) w.notifier.tell(notice(`alm_${at}`));
    await w.settle();
    expect(w.gaveUp).toHaveLength(5);
    expect(w.gaveUp[0]?.cause).toBe("More than 200 were waiting.");
  });
});

test("a full disk keeps nobody from being told; what was told is stored once there is room", async () => {
  const w = await world();
  w.add("ada");
  await w.settle();
  w.isDiskFull = true;
  w.notifier.tell(notice("alm_1"));
  await w.settle();
  expect(w.lines).toEqual(["ada begins alm_1"]);
  w.isDiskFull = false;
  await w.pass(2_000, 1_000);
  expect((await w.stored()).map(({ status }) => status)).toEqual(["delivered"]);
});

test("a test goes out at once, also in quiet hours and to a channel that is off, and says when there were too many", async () => {
  const w = await world();
  const channel = w.add("ada", { isOn: false });
  w.channels.changePreferences(person("ada"), {
    quietHours: { from: "00:00", to: "23:59", critical_breaks_through: false },
  });
  w.notifier.test(channel);
  await w.settle();
  expect(w.lines).toEqual(["ada test"]);
  for (let at = 1; at < 30; at++) {
    w.notifier.test(channel);
    await w.settle();
  }
  expect(w.notifier.test(channel)).toMatchObject({ code: "too_many_notifications" });
});
