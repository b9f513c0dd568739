import { afterAll, describe, expect, test } from "vitest";
import { findings } from "../support/axe.ts";
import { chromiumPath, closeBrowser, openPage, type TestPage } from "../support/browser.ts";
import { needs } from "../support/needs.ts";
import { createAdministrator, forPeople } from "../support/people.ts";
import { openSolMate, update } from "../support/smart-os.ts";
import { openDevice } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/** Two devices, one of them with a new token under way, a SolMate that waits, an API token that ends soon; and the administrator. */
async function start(theme: "light" | "dark", [width, height]: readonly [number, number]) {
  const server = await startServer({ settings: { ...forPeople.settings, "smart_os.access": "open" } });
  const device = await openDevice(server.wsUrl, "mine", server.addDevice("mine"));
  device.send(sampleOf("mine"));
  server.addDevice("other");
  server.devices.change("mine", {
    properties: { site: "harbour", tags: "roof, pilot", country: "SE", place: "Malmö" },
  });
  server.devices.rotate("mine", undefined, 3_600_000);
  server.devices.revoke("other");
  server.apiTokens.add("wallboard", "viewer", 86_400_000, ["mine"], { kind: "person", name: "root", sinceMs: null });
  (await openSolMate(server.wsUrl)).send(update("0042", {}));
  const admin = await createAdministrator(server);
  const cookies = [...admin.cookies].map(([name, value]) => ({
    ...{ name, value, domain: "127.0.0.1", path: "/", expires: -1, httpOnly: true, secure: false },
    sameSite: "Strict" as const,
  }));
  const look = { colorScheme: theme, viewport: { width, height } };
  const page = await openPage(server.url, { ...look, storageState: { cookies, origins: [] } });
  return { server, page };
}

/** Nothing that somebody could not read or reach, and nothing wider than the screen. */
async function judge(page: TestPage, what: string): Promise<void> {
  const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect([what, await findings(page), (widths[0] ?? 0) <= (widths[1] ?? 0)]).toEqual([what, [], true]);
}

needs("chromium", chromiumPath !== null)("the administration can be read by everybody, on every screen", () => {
  afterAll(closeBrowser);

  describe.each([
    ["dark", [1_440, 900]],
    ["light", [360, 640]],
  ] as const)("%s, at %j", (theme, size) => {
    test("its pages, and what they ask and show", async () => {
      const { server, page } = await start(theme, size);
      const button = (name: string | RegExp) => page.getByRole("button", { name });

      await page.goto(`${server.url}/devices`);
      await page.getByText("New tokens under way").waitFor();
      await button("Refuse 0042").click();
      await judge(page, "devices");
      await button("List 0042 no more").click();
      await button("Accept 0042").waitFor({ state: "detached" });

      await page.goto(`${server.url}/devices/mine/settings`);
      await page.getByText("Rating").click();
      await button("Revoke…").click();
      await button("Remove…").click();
      await judge(page, "settings");
      await page.goto(`${server.url}/devices/mine/settings`);
      await button("New token").click();
      await page.getByRole("img", { name: /The .env/ }).waitFor();
      await judge(page, "a new token");

      await page.goto(`${server.url}/add-device`);
      await page.locator("[name=device_id]").fill("new_one");
      await judge(page, "a new device");
      await button("Add the device").click();
      await page.getByRole("img", { name: /The .env/ }).waitFor();
      await judge(page, "a device that was added");

      await page.goto(`${server.url}/add-devices`);
      const csv = "device_id,name,country\nbox_1,Box,SE\nbox 2,Box,AT\nmine,Box,AT\n";
      const file = { name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(csv) };
      await page.getByLabel("CSV file").setInputFiles(file);
      await button("Register 2 devices").waitFor();
      await judge(page, "rows of a file");
      await button("Register 2 devices").click();
      await button("Save the result").waitFor();
      await judge(page, "registered rows");
    });

    test("tokens, exports, backups, the server, and groups of the fleet", async () => {
      const { server, page } = await start(theme, size);
      const button = (name: string | RegExp) => page.getByRole("button", { name });

      await page.goto(`${server.url}/api-tokens`);
      await button("Remove wallboard").click();
      await judge(page, "tokens");
      await button("Make a token").click();
      await page.getByLabel(/^Only some/).check();
      await page.getByLabel("Name").fill("cellar");
      await judge(page, "a new token");
      await page.getByLabel(/mine/).check();
      await button("Make the token").click();
      await page.getByLabel("Token cellar").waitFor();
      await judge(page, "a token that was made");

      await page.goto(`${server.url}/exports`);
      await page.waitForLoadState();
      await button("Export").click();
      await page.getByRole("cell", { name: "done" }).waitFor();
      await judge(page, "exports");

      await page.goto(`${server.url}/backups`);
      await button("Make a backup").click();
      await button("Verify").click();
      await page.getByText("are as they were made").waitFor();
      await page.getByText("Files and checksums").click();
      await button("Delete…").click();
      await judge(page, "backups");

      await page.goto(`${server.url}/server`);
      await button("Verify").click();
      await page.getByText("can be read").waitFor();
      await judge(page, "the server");

      await page.goto(`${server.url}/?group=properties.site`);
      await page.getByRole("rowheader", { name: /^no site/ }).waitFor();
      await judge(page, "groups");
      await button(/^only these.*harbour/).click();
      await page.getByText("1 of 2 fit").waitFor();
      expect(new URL(page.url()).searchParams.getAll("where")).toEqual(["properties.site = harbour"]);
    });
  });
});
