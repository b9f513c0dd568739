import type { NotificationsBody } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { BrowserLike } from "../support/people.ts";
import { startHookServer, startMailServer } from "../support/receivers.ts";
import { makeFolder } from "../support/run-cli.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

/** What alarms tell, as `app/alarm-notices.ts` does. */
interface Notices {
  readonly notifications: { readonly notifier: { tell(notice: object): void } };
}

const noticeAt = (about: string, atMs: number) => ({
  about,
  ring: 1,
  phase: "begins",
  severity: "critical",
  title: "2 devices send nothing, all in Uppsala",
  what: "No data",
  text: "Look at the router.",
  sinceMs: atMs,
  overMs: null,
  deviceIds: ["ems_001", "ems_002"],
  forAdministrators: false,
  path: `/alarms/${about}`,
});

function tell(server: TestServer, notice: object): void {
  (server as unknown as Notices).notifications.notifier.tell(notice);
}

/** An administrator with three ways of being told. */
async function start(clock: ManualClock) {
  const mail = await startMailServer();
  const hook = await startHookServer();
  const server = await startServer({
    clock,
    settings: {
      "notify.smtp_url": mail.url,
      "notify.private_networks": "127.0.0.0/8",
      public_url: "https://board.example.org",
      "site.time_zone": "Europe/Vienna",
    },
  });
  for (const deviceId of ["ems_001", "ems_002"]) server.addDevice(deviceId);
  const root = new BrowserLike(server.url);
  await root.redeem(server.setupLink?.path ?? "", { name: "root", password: "a long enough one" });
  const made = await root.json<{ channel: { channel_id: string } }>("POST", "/me/channels", {
    kind: "email",
    address: "ada@example.org",
  });
  const code = /use this code within a day: (\w+)/.exec(mail.mails[0]?.text ?? "")?.[1];
  await root.json("POST", `/me/channels/${made.channel.channel_id}/verify`, { code });
  await root.json("POST", "/me/channels", { kind: "webhook", preset: "home_assistant", url: hook.url });
  const listed = async () => (await root.json<NotificationsBody>("GET", "/me/notifications")).notifications;
  const onTheirWay = async () => (await listed()).filter(({ status }) => status === "sent");
  const statuses = async () => {
    return (await listed())
      .filter(({ about }) => about === "outage_1")
      .map(({ kind, phase, status }) => `${kind} ${phase} ${status}`)
      .sort();
  };
  return { server, mail, hook, root, statuses, onTheirWay };
}

test("a mail server that is away for an hour, beside a webhook that hangs: all of it is told later, in order, and nothing else waits", async () => {
  const clock = new ManualClock();
  const { server, mail, hook, statuses, onTheirWay, root } = await start(clock);
  mail.state.isAway = true;
  hook.state.answer = () => {};
  tell(server, noticeAt("outage_1", clock.wallMs()));
  await eventually(() => expect(hook.hooked).toHaveLength(1));
  // While both do not answer, whoever asks is answered.
  expect((await root.ask("GET", "/devices")).status).toBe(200);
  // The clock runs ahead of the sockets: whatever does not answer at once does so too late.
  const startMs = clock.wallMs();
  const moving = setInterval(() => clock.advance(5_000), 5);
  onTestFinished(() => clearInterval(moving));
  await eventually(() => expect(clock.wallMs() - startMs).toBeGreaterThan(3_600_000), { withinMs: 60_000 });
  clearInterval(moving);
  expect((await statuses()).join()).not.toContain("delivered");
  expect(mail.mails).toHaveLength(1);
  expect((await root.json<{ channels: object[] }>("GET", "/notifications/failing")).channels).toHaveLength(2);
  tell(server, { ...noticeAt("outage_1", clock.wallMs()), phase: "over", overMs: clock.wallMs() });
  mail.state.isAway = false;
  hook.state.answer = (response) => void response.end();
  // From here on it stands while something is on its way.
  const all = ["email begins delivered", "email over delivered", "webhook begins delivered", "webhook over delivered"];
  for (let minute = 0; minute < 70 && (await statuses()).join() !== all.join(); minute++) {
    clock.advance(60_000);
    await eventually(async () => expect(await onTheirWay()).toEqual([]));
  }
  expect(await statuses()).toEqual(all);
  const told = mail.mails.slice(1).filter(({ text }) => text.includes("/alarms/outage_1"));
  expect(told.map(({ subject }) => subject)).toEqual([
    "2 devices send nothing, all in Uppsala",
    "Over: 2 devices send nothing, all in Uppsala",
  ]);
  expect(told[0]?.text).toMatch(/since .*13:00/);
  expect(told[0]?.text).toContain("https://board.example.org/alarms/outage_1");
  // The same message at each try, by its id.
  const bodies = hook.hooked.filter(({ body }) => body.about === "outage_1").map(({ body }) => body.type);
  expect(bodies.at(-1)).toBe("over");
});

test("a server that is stopped in the middle of a delivery goes on with it after the next start, under the same id", async () => {
  const hook = await startHookServer();
  const dataDir = makeFolder();
  const settings = { "notify.private_networks": "127.0.0.0/8" };
  const first = await startServer({ dataDir, settings });
  const root = new BrowserLike(first.url);
  await root.redeem(first.setupLink?.path ?? "", { name: "root", password: "a long enough one" });
  hook.state.answer = () => {};
  const { channel } = await root.json<{ channel: { channel_id: string } }>("POST", "/me/channels", {
    kind: "webhook",
    url: hook.url,
  });
  await root.json("POST", `/me/channels/${channel.channel_id}/test`);
  await eventually(() => expect(hook.hooked).toHaveLength(1));
  await first.stop();
  hook.state.answer = (response) => void response.end();
  const second = await startServer({ dataDir, settings });
  await eventually(() => expect(hook.hooked).toHaveLength(2));
  expect(hook.hooked[1]?.headers["webhook-id"]).toBe(hook.hooked[0]?.headers["webhook-id"]);
  const again = new BrowserLike(second.url);
  await again.json("POST", "/session", { account: "root", password: "a long enough one" });
  await eventually(async () => {
    const { notifications } = await again.json<NotificationsBody>("GET", "/me/notifications");
    expect(notifications.map(({ status, tries }) => [status, tries])).toEqual([["delivered", 2]]);
  });
});
