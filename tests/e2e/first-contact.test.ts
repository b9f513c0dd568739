import { resolve } from "node:path";
import { afterAll, expect, test } from "vitest";
import { chromiumPath, closeBrowser, openPage } from "../support/browser.ts";
import { needs } from "../support/needs.ts";
import { createAdministrator, forPeople, invite } from "../support/people.ts";
import { startServer } from "../support/start-server.ts";

const cookieRest = { path: "/", expires: -1, httpOnly: true, secure: false, sameSite: "Strict" as const };

needs("chromium", chromiumPath !== null)("first contact, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  test("a new server tells where its set-up link stands, on every page that is opened first", async () => {
    for (const settings of [forPeople.settings, {}]) {
      const server = await startServer({ settings });
      for (const path of ["/", "/sign-in", "/people", "/devices/ems_001"]) {
        if (settings !== forPeople.settings && path.startsWith("/devices")) continue;
        const page = await openPage(server.url + path);
        await page.getByText("This server is new: nobody administers it yet.").waitFor();
        const command = await page.getByLabel("Command that makes the link").inputValue();
        expect(command).toBe(`npx wattboard user setup-link --data-dir ${resolve(server.dataDir)}`);
        expect(await page.locator("body").textContent()).not.toMatch(/401|Bearer|schema/);
        await page.context().close();
      }
    }
  });

  test("where there are no devices, each is told what that means for them, and only an administrator how to add one", async () => {
    const server = await startServer(forPeople);
    const admin = await createAdministrator(server);
    const ann = await invite(admin, "ann", { role: "operator", devices: [] });
    const vera = await invite(admin, "vera", { role: "viewer", devices: null });
    for (const [browser, told] of [
      [admin, "comes alive with its first message"],
      [ann, "None is yours yet"],
      [vera, "Whoever administers this server registers them"],
    ] as const) {
      const cookies = [...browser.cookies].map(([name, value]) => ({
        name,
        value,
        domain: "127.0.0.1",
        ...cookieRest,
      }));
      const page = await openPage(server.url, { storageState: { cookies, origins: [] } });
      await page.getByText(told).waitFor();
      const commands = page.getByLabel("Command that registers a device");
      expect(await commands.count()).toBe(browser === admin ? 1 : 0);
      if (browser === admin) expect(await commands.inputValue()).toContain(`--data-dir ${resolve(server.dataDir)}`);
      else expect(await page.locator("main").textContent()).not.toMatch(/npx|Bearer/);
      await page.context().close();
    }
  });

  test("an address that is nothing gets the page's own 404, with that status", async () => {
    const server = await startServer();
    for (const path of ["/nothing", "/device", "/devices/a/b", "/people/ann"]) {
      const answer = await fetch(server.url + path, { headers: { accept: "text/html" } });
      expect([path, answer.status, answer.headers.get("content-type")]).toEqual([
        path,
        404,
        "text/html; charset=utf-8",
      ]);
      const page = await openPage(server.url + path);
      await page.getByText("There is no page at this address").waitFor();
      await page.context().close();
    }
    for (const path of ["/people", "/people/", "/devices/a%2Fb"]) {
      expect([path, (await fetch(server.url + path, { headers: { accept: "text/html" } })).status]).toEqual([
        path,
        200,
      ]);
    }
  });
});
