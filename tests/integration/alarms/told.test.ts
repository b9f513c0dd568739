import { createECDH, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { AlarmDetailBody, AlarmsBody, NotificationsBody } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { expect, onTestFinished, test } from "vitest";
import { metric } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { BrowserLike } from "../../support/people.ts";
import { startHookServer, startMailServer } from "../../support/receivers.ts";
import { openDevice } from "../../support/sockets.ts";
import { startServer } from "../../support/start-server.ts";
import { sampleOf } from "../../support/telemetry.ts";

const deviceCount = 300;

/** What browsers' makers run; it cannot read what it passes on. */
async function startPushService() {
  const pushed: { readonly encoding: string | undefined; readonly bytes: number }[] = [];
  const server = createServer(async (request, response) => {
    let bytes = 0;
    for await (const chunk of request) bytes += (chunk as Buffer).length;
    pushed.push({ encoding: request.headers["content-encoding"], bytes });
    response.writeHead(201).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const browser = createECDH("prime256v1");
  const subscription = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/push/1`,
    keys: { p256dh: browser.generateKeys("base64url"), auth: randomBytes(16).toString("base64url") },
  };
  return { pushed, subscription };
}

test("300 devices that are cut at once are one alarm, one mail, one push and one webhook, and as many when it is over; who was asked and did not answer is seen", async () => {
  const clock = new ManualClock();
  const [mail, hook, push] = await Promise.all([startMailServer(), startHookServer(), startPushService()]);
  const server = await startServer({
    clock,
    settings: {
      "notify.smtp_url": mail.url,
      "notify.private_networks": "127.0.0.0/8",
      public_url: "https://board.example.org",
    },
  });
  const root = new BrowserLike(server.url);
  await root.redeem(server.setupLink?.path ?? "", { name: "root", password: "a long enough one" });
  const made = await root.json<{ channel: { channel_id: string } }>("POST", "/me/channels", {
    kind: "email",
    address: "root@example.org",
  });
  await eventually(() => expect(mail.mails).toHaveLength(1));
  const code = /use this code within a day: (\w+)/.exec(mail.mails[0]?.text ?? "")?.[1];
  await root.json("POST", `/me/channels/${made.channel.channel_id}/verify`, { code });
  await root.json("POST", "/me/channels", { kind: "webhook", url: hook.url });
  await root.json("POST", "/me/channels", { kind: "push", ...push.subscription });
  await root.json("PUT", "/escalation", { steps: [{ after_minutes: 10, severities: ["critical"], person: "root" }] });

  const ids = Array.from({ length: deviceCount }, (_, at) => `ems_${at}`);
  const tokens = ids.map((id) => server.addDevice(id));
  const connect = () => Promise.all(ids.map((id, at) => openDevice(server.wsUrl, id, tokens[at] ?? "")));
  const accepted = () => metric(server, 'wattboard_samples_total{result="accepted"}');
  const sendAll = async (devices: Awaited<ReturnType<typeof connect>>, seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      const before = await accepted();
      for (const [at, device] of devices.entries()) {
        device.send(sampleOf(ids[at] ?? "", { timestamp: new Date(clock.wallMs()).toISOString() }));
      }
      await eventually(async () => expect(await accepted()).toBe(before + deviceCount));
      clock.advance(1_000);
    }
  };
  const told = async () =>
    (await root.json<NotificationsBody>("GET", "/me/notifications")).notifications
      .map(({ kind, phase, status }) => `${kind} ${phase} ${status}`)
      .sort();
  const kinds = ["email", "push", "webhook"];

  const devices = await connect();
  await sendAll(devices, 3);
  for (const { webSocket } of devices) webSocket.terminate();
  await eventually(async () => expect(await metric(server, 'wattboard_connections{door="device"}')).toBe(0));
  const silent = () => root.json<AlarmsBody>("GET", "/alarms?kind=no_data");
  // Their usual step is not known yet: silence is told by the longest that is covered.
  for (let minute = 0; minute < 20 && (await silent()).alarms.length === 0; minute++) clock.advance(60_000);
  await eventually(async () => expect(await told()).toEqual(kinds.map((kind) => `${kind} begins delivered`)));
  const [alarm] = (await silent()).alarms;
  expect((await silent()).alarms).toMatchObject([{ device_count: deviceCount, state: "raised" }]);
  expect(mail.mails).toHaveLength(2);
  expect(mail.mails[1]?.subject).toContain("300 devices send nothing");
  expect(hook.hooked.map(({ body }) => body.type)).toEqual(["notification.begins"]);
  expect(push.pushed).toMatchObject([{ encoding: "aes128gcm" }]);

  // Nobody takes it on.
  for (let minute = 0; minute < 11; minute++) clock.advance(60_000);
  await eventually(async () => expect((await told()).filter((each) => each.includes("escalated"))).toHaveLength(3));
  await eventually(async () => {
    const { steps } = await root.json<AlarmDetailBody>("GET", `/alarms/${alarm?.alarm_id}`);
    expect(steps).toContainEqual(expect.objectContaining({ step: "escalated", note: "root was told." }));
  });

  await sendAll(await connect(), 15);
  await eventually(async () => {
    clock.advance(1_000);
    expect(await told()).toEqual(
      kinds.flatMap((kind) => ["begins", "escalated", "over"].map((phase) => `${kind} ${phase} delivered`)),
    );
  });
  expect((await silent()).alarms).toMatchObject([{ state: "cleared", open_device_count: 0 }]);
  expect(mail.mails.map(({ subject }) => subject).slice(-1)).toEqual([expect.stringContaining("Over: 300 devices")]);
  expect(push.pushed).toHaveLength(3);
}, 240_000);
