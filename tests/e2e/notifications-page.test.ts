import type { ChannelsBody } from "@wattboard/protocol";
import { afterAll, expect, test } from "vitest";
import { chromiumPath, closeBrowser, openPage, type TestPage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { startHookServer, startMailServer } from "../support/receivers.ts";
import { openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/** A server that can send mail, its receivers on loopback, and its administrator on the page. */
async function start() {
  const mail = await startMailServer();
  const hook = await startHookServer();
  const server = await startServer({
    settings: {
      "access.dashboards": "people",
      "notify.smtp_url": mail.url,
      "notify.mail_from": "Wattboard <board@example.org>",
      "notify.private_networks": "127.0.0.0/8",
    },
  });
  const page = await openPage(server.url + (server.setupLink?.path ?? ""));
  await page.getByLabel("Name").fill("root");
  await page.getByLabel("New password").fill("a long enough one");
  await page.getByLabel("The same once more").fill("a long enough one");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("link", { name: "root" }).click();
  await page.getByRole("link", { name: "Notifications" }).click();
  await page.getByRole("heading", { name: "How you are told" }).waitFor();
  return { server, mail, hook, page };
}

async function addWebhook(page: TestPage, url: string, name: string): Promise<void> {
  await page.getByRole("button", { name: "Add a webhook" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("combobox").selectOption({ label: name });
  await dialog.getByRole("textbox").first().fill(url);
  await page.getByRole("button", { name: "Add it" }).click();
}

needs("chromium", chromiumPath !== null)("notifications, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  test("a webhook is set up, its secret shown once, tested, and its test seen to be delivered", async () => {
    const { hook, page } = await start();
    await addWebhook(page, `${hook.url}/hook`, "Your own program (Standard Webhooks)");
    expect(await page.getByLabel("Secret of Webhook").inputValue()).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    await page.getByRole("button", { name: "Send a test by Webhook" }).click();
    await page.getByRole("cell", { name: "delivered" }).waitFor();
    expect(hook.hooked).toHaveLength(1);
    expect(hook.hooked[0]?.headers["webhook-signature"]).toMatch(/^v1,/);
    await page.reload();
    await page.getByText("Webhook to http").waitFor();
    expect(await page.getByLabel("Secret of Webhook").count()).toBe(0);
    expect(await page.content()).not.toContain("/hook<");
    expect(page.complaints).toEqual([]);
  });

  test("an e-mail address gets nothing but a code until that is given, by hand or by the link", async () => {
    const { mail, page } = await start();
    for (const [address, how] of [
      ["ada@example.org", "by hand"],
      ["ann@example.org", "by the link"],
    ]) {
      await page.getByRole("button", { name: "Add an e-mail address" }).click();
      await page
        .getByRole("dialog")
        .getByRole("textbox")
        .fill(address ?? "");
      await page.getByRole("button", { name: "Send the code" }).click();
      await page.getByText(`E-mail to ${address}`).waitFor();
      await eventually(() => expect(mail.mails.at(-1)?.to).toBe(address));
      const { text = "" } = mail.mails.at(-1) ?? {};
      const [, code = ""] = /use this code within a day: (\w+)/.exec(text) ?? [];
      const [link = ""] = /http:\/\/\S+#confirm=3?D?\S+/.exec(text.replaceAll("=3D", "=")) ?? [];
      const item = page.getByRole("listitem").filter({ hasText: address ?? "" });
      expect(await item.getByRole("button", { name: /Send a test/ }).count()).toBe(0);
      if (how === "by the link") await page.goto(link);
      else {
        await item.getByLabel("Code").fill(code);
        await item.getByRole("button", { name: "Confirm" }).click();
      }
      await item.getByRole("button", { name: /Send a test/ }).click();
      await eventually(() => expect(mail.mails.at(-1)?.subject).toBe("Wattboard can reach you here"));
      expect(page.url()).not.toContain(code);
    }
    expect(mail.mails.map(({ to }) => to)).toEqual([
      "ada@example.org",
      "ada@example.org",
      "ann@example.org",
      "ann@example.org",
    ]);
    expect(page.complaints).toEqual([]);
  });

  test("what fails says why, on the channel and in the list; an address of the inside is refused", async () => {
    const { hook, page, server } = await start();
    hook.state.answer = (response) => void response.writeHead(410).end();
    await addWebhook(page, hook.url, "Home Assistant");
    await page.getByRole("button", { name: "Send a test by Home Assistant" }).click();
    await page.getByRole("cell", { name: "given up" }).waitFor();
    await page.getByText("gone", { exact: true }).waitFor();
    await page.getByRole("heading", { name: "Who cannot be told" }).waitFor();
    await addWebhook(page, "https://169.254.169.254/latest", "Your own program (Standard Webhooks)");
    await page.getByRole("button", { name: "Send a test by Webhook" }).click();
    await page.getByText("It is an address of a private network").first().waitFor();
    const { notifications } = server as unknown as { notifications: { channels: { all(): Iterable<unknown> } } };
    expect([...notifications.channels.all()]).toHaveLength(2);
  });

  test("a device in maintenance says so on its page, and the window is ended on the other", async () => {
    const { server, page } = await start();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send(sampleOf("ems_001"));
    await page.getByRole("link", { name: "Maintenance" }).click();
    await page.getByLabel("Devices").fill("ems_001");
    await page.getByLabel("Why").fill("New inverter");
    await page.getByRole("button", { name: "Begin" }).click();
    await page.getByRole("cell", { name: "New inverter" }).waitFor();
    const other = await page.context().newPage();
    await other.goto(`${server.url}/devices/ems_001`);
    await other.getByText(/In maintenance until .*: nobody is told of its alarms\./).waitFor();
    await page.getByRole("button", { name: "End" }).click();
    await page.getByRole("button", { name: "End it now" }).click();
    await page.getByText("Nothing is in maintenance, and nothing is planned.").waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("the service worker shows what is pushed, tells that it was seen, and opens no other site", async () => {
    const { server, page } = await start();
    await page.context().grantPermissions(["notifications"], { origin: server.url });
    const registration = await page.evaluate(async () => {
      await navigator.serviceWorker.register("/service-worker.js");
      return (await navigator.serviceWorker.ready).scope;
    });
    expect(registration).toBe(`${server.url}/`);
    const session = await page.context().newCDPSession(page);
    const registrationId = await new Promise<string>((resolve) => {
      session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const [first] = registrations;
        if (first !== undefined) resolve(first.registrationId);
      });
      void session.send("ServiceWorker.enable");
    });
    const seen = page
      .context()
      .waitForEvent("request", (request) => request.url().endsWith("/me/notifications/msg_1/seen"));
    const message = {
      messageId: "msg_1",
      title: "No data: <b>cellar</b>",
      text: "since 03:12",
      severity: "critical",
      url: null,
    };
    // What comes twice is shown once.
    await eventually(async () => {
      await session.send("ServiceWorker.deliverPushMessage", {
        origin: server.url,
        registrationId,
        data: JSON.stringify(message),
      });
      const shown = await page.evaluate(async () => {
        const notifications = await (await navigator.serviceWorker.ready).getNotifications();
        return notifications.map(({ title, body, tag }) => ({ title, body, tag }));
      });
      expect(shown).toEqual([{ title: message.title, body: message.text, tag: "msg_1" }]);
    });
    await seen;
  });
});

test("no answer of the API holds a secret of a channel but the one that made it", async () => {
  const { BrowserLike } = await import("../support/people.ts");
  const hook = await startHookServer();
  const server = await startServer({ settings: { "notify.private_networks": "127.0.0.0/8" } });
  const root = new BrowserLike(server.url);
  await root.redeem(server.setupLink?.path ?? "", { name: "root", password: "a long enough one" });
  const made = await root.json<{ secret: string }>("POST", "/me/channels", {
    kind: "webhook",
    url: `${hook.url}/s3cretpath`,
  });
  await root.json("POST", "/me/channels", {
    kind: "webhook",
    preset: "ntfy",
    url: `${hook.url}/s3cretpath`,
    topic: "s3crettopic",
    token: "s3crettoken",
  });
  const { channels } = await root.json<ChannelsBody>("GET", "/me/channels");
  for (const { channel_id } of channels) await root.json("POST", `/me/channels/${channel_id}/test`);
  await eventually(() => expect(hook.hooked).toHaveLength(2));
  const paths = ["/me/channels", "/me/notifications", "/notifications", "/people/root/channels", "/audit", "/events"];
  const answers = await Promise.all(paths.map(async (path) => (await root.ask("GET", path)).text()));
  expect(answers.join()).not.toMatch(/s3cret/);
  expect(answers.join()).not.toContain(made.secret);
});
