import type { DeviceDetail } from "@wattboard/protocol";
import { afterAll, expect, onTestFinished, test } from "vitest";
import type { StoreWatch } from "../../packages/server/dist/telemetry/store-watch.js";
import { chromiumPath, closeBrowser, openPage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { batchOf, sampleAt } from "../support/samples.ts";
import { openDevice } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";
import { getBody } from "../support/world.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** No day of the year is 23 or 25 hours long there, and midnight is never that of UTC. */
const timeZone = "Asia/Kolkata";
const offsetMs = 5.5 * hourMs;

/** The start of the day there, so many days ago. */
function dayStart(daysAgo: number): number {
  return Math.floor((Date.now() + offsetMs) / dayMs) * dayMs - offsetMs - daysAgo * dayMs;
}

/** A house that uses 1 kW, of which the sun gives 600 W, for some hours of a day. */
async function fill({ store }: TestServer, fromMs: number, hours: number): Promise<void> {
  const samples = Array.from({ length: (hours * hourMs) / 30_000 + 1 }, (_, at) =>
    sampleAt(
      fromMs + at * 30_000,
      at,
      { solar: { power: 600 }, load: { power: 1_000 }, grid: { power: 400 }, battery: { power: 0, soc: 50 } },
      { epoch: fromMs },
    ),
  );
  await store.append([batchOf(samples)]);
}

needs("chromium", chromiumPath !== null)("the history on a device's page, in Chromium", () => {
  afterAll(closeBrowser);

  test("shows energy, autarky and coverage of the day, the day before, and the month", async () => {
    const server = await startServer();
    server.devices.add({ deviceId: "ems_001", properties: { time_zone: timeZone } });
    await fill(server, dayStart(1) + 2 * hourMs, 10);
    await fill(server, dayStart(1) + 15 * hourMs, 5);
    const page = await openPage(`${server.url}/devices/ems_001`);
    const energy = page.getByRole("region", { name: "Energy" });
    const history = page.getByRole("region", { name: "History" });
    await page.getByRole("button", { name: "The day before" }).click();
    await energy.getByText("15.0 kWh").waitFor();
    const sums = await energy.locator("dl > div").allTextContents();
    expect(sums).toEqual([
      "Produced9.00 kWh",
      "Consumed15.0 kWh",
      "From the grid6.00 kWh",
      "To the grid0 Wh",
      "Charged0 Wh",
      "Discharged0 Wh",
      "Autarky60 %",
      "Self-consumption100 %",
    ]);
    await history.getByText("Asia/Kolkata").waitFor();
    // Of the 22 hours since its first sample: what was before it is not expected.
    await history.getByText("68.2 %").waitFor();
    await history.getByText(/2 gaps, the longest of 4 h/).waitFor();
    expect(await energy.getByRole("list", { name: "Energy by the hour" }).getByRole("listitem").count()).toBe(24);
    expect(await history.locator("canvas").count()).toBe(1);

    await page.getByRole("button", { name: "Year", exact: true }).click();
    await page.getByRole("button", { name: "The year before" }).waitFor();
    await energy.getByRole("list", { name: "Energy by the month" }).waitFor();
    await energy.getByText("15.0 kWh", { exact: true }).waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("reads 100 % and no gap of a device that is well, and stays so while it goes on", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    // It has sent each second for two hours, and does so now.
    const fromMs = Date.now() - 2 * hourMs;
    const past = Array.from({ length: (2 * hourMs) / 1_000 }, (_, at) =>
      sampleAt(fromMs + at * 1_000, at, { grid: { power: 400 } }, { epoch: fromMs }),
    );
    await server.store.append([batchOf(past)]);
    const timer = setInterval(() => device.send(JSON.stringify(sampleOf("ems_001"))), 1_000);
    onTestFinished(() => clearInterval(timer));
    const page = await openPage(`${server.url}/devices/ems_001`);
    const history = page.getByRole("region", { name: "History" });
    const isWhole = () =>
      eventually(async () => {
        const sentence = await history.getByText("of the expected time was measured").textContent();
        expect(sentence).toBe("100 % of the expected time was measured, without a gap.");
      });
    await isWhole();
    for (const unit of ["Week", "Month", "Year"]) {
      // What was shown before stays until the answer is there.
      const answered = page.waitForResponse((response) => response.url().includes("/history?"));
      await history.getByRole("button", { name: unit, exact: true }).click();
      await (await answered).finished();
      await isWhole();
    }
    const { accepted } = await getBody<DeviceDetail>(server, "/devices/ems_001");
    await eventually(async () => {
      expect((await getBody<DeviceDetail>(server, "/devices/ems_001")).accepted).toBeGreaterThan(accepted + 5);
    });
    await page.reload();
    await isWhole();
    expect(page.complaints).toEqual([]);
  });

  test("draws states, modes and errors as bands below the chart, with what they were and for how long", async () => {
    const server = await startServer();
    server.devices.add({ deviceId: "ems_001", properties: { time_zone: timeZone } });
    const startMs = dayStart(1) + 6 * hourMs;
    const statusAt = (minute: number) => {
      if (minute < 60) return { state: "CHARGING", mode: "AUTO", error_flags: [] };
      return minute < 90
        ? { state: "ERROR", mode: "AUTO", error_flags: ["OVER_TEMP"] }
        : { state: "IDLE", mode: "MANUAL", error_flags: [] };
    };
    const samples = Array.from({ length: 4 * 180 }, (_, at) =>
      sampleAt(
        startMs + at * 15_000,
        at,
        { system_status: statusAt(at / 4), solar: { power: 600 } },
        { epoch: startMs },
      ),
    );
    await server.store.append([batchOf(samples)]);
    const page = await openPage(`${server.url}/devices/ems_001`);
    const history = page.getByRole("region", { name: "History" });
    await page.getByRole("button", { name: "The day before" }).click();
    const states = history.getByRole("list", { name: "State", exact: true });
    await states.getByText("Charging").waitFor();
    // Of the 18 hours since its first sample: what was before it is not expected.
    expect(await states.locator("li").allTextContents()).toEqual([
      "Charging 1 h",
      "Error 30 min",
      "Idle 1 h 29 min",
      "No data 15 h",
    ]);
    await history.getByRole("list", { name: "Mode", exact: true }).getByText("Manual").waitFor();
    await history.getByRole("list", { name: "Error flags", exact: true }).getByText("OVER_TEMP").waitFor();
    expect(await history.getByRole("list", { name: "Changes of State, newest first" }).locator("li").count()).toBe(3);

    // A quarter past seven: the error was there from seven to half past.
    const strip = history.locator("[data-band='system_status.state']");
    const { width } = (await strip.boundingBox()) ?? { width: 0 };
    await strip.hover({ position: { x: (width * 7.25) / 24, y: 5 } });
    await states.getByText(/^Error, .*7:00.* to .*7:30/).waitFor();
    expect(page.complaints).toEqual([]);

    await page.getByRole("button", { name: "Year", exact: true }).click();
    await history.getByText("States are shown for a day, a week or a month.").waitFor();
  });

  test("tells what happened to this device, and not to others", async () => {
    const server = await startServer();
    await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    await openDevice(server.wsUrl, "ems_002", server.addDevice("ems_002"));
    const page = await openPage(`${server.url}/devices/ems_001`);
    const events = page.getByRole("region", { name: "Events" });
    await events.getByText("ems_001 is online.").waitFor();
    expect(await events.locator("li").count()).toBe(1);
  });

  test("is announced on the fleet page while summaries are made anew", async () => {
    const server = await startServer();
    server.addDevice("ems_001");
    const { storeWatch } = server as unknown as { readonly storeWatch: StoreWatch };
    storeWatch.renewing({ done: 4, total: 9 });
    const page = await openPage(server.url);
    const notice = page.getByText("The history of before is summed up anew: 44 % done");
    await notice.waitFor();
    await page.getByText("Summaries of before are made anew").waitFor();
    storeWatch.renewing({ done: 9, total: 9 });
    await notice.waitFor({ state: "detached" });
    await page.getByText("All summaries are made by today's rule").waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("says that nothing was measured where nothing was, and goes no further than today", async () => {
    const server = await startServer();
    server.addDevice("ems_001");
    const page = await openPage(`${server.url}/devices/ems_001`);
    await page.getByText(/0(\.0)? % of the expected time/).waitFor();
    expect(await page.getByRole("button", { name: "The day after" }).isDisabled()).toBe(true);
    expect(page.complaints).toEqual([]);
  });

  test("is read anew on an open page where samples of before were stored only now, and presence shows at once", async () => {
    const server = await startServer();
    const device = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    device.send(sampleOf("ems_001"));
    await fill(server, dayStart(0), 0.1);
    let inject: (frame: object) => void = () => {};
    const page = await openPage("about:blank");
    // The server as it is; the test adds frames of its own at the end of the stream.
    await page.routeWebSocket(/\/ws\/dashboard\//, (route) => {
      let head = "";
      let offset = 0;
      route.connectToServer().onMessage((message) => {
        const { epoch, offset: at } = JSON.parse(String(message));
        if (epoch !== undefined) [head, offset] = [`{"epoch":${epoch},"offset":`, at];
        route.send(message);
      });
      inject = (frame) => route.send(`${head}${++offset},${JSON.stringify(frame).slice(1)}`);
    });
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname.split("/").at(-1) ?? ""));
    await page.goto(`${server.url}/devices/ems_001`);
    await page.getByText("CHARGING").first().waitFor();
    await eventually(() => expect(asked).toEqual(expect.arrayContaining(["history", "energy", "samples"])));
    await page.waitForLoadState("networkidle");
    asked.length = 0;
    inject({
      type: "backfilled",
      from: new Date(dayStart(0)).toISOString(),
      to: new Date().toISOString(),
      samples: 12,
    });
    // By themselves they are asked for once a minute, and the samples never.
    await eventually(() => expect(asked).toEqual(expect.arrayContaining(["history", "energy", "samples"])));
    // The API does not answer from here on: the stream alone tells that the device is gone.
    await page.route("**/api/v1/devices/ems_001", () => {});
    device.webSocket.terminate();
    await page
      .getByText(/offline/i)
      .first()
      .waitFor();
    expect(page.complaints).toEqual([]);
  });
});
