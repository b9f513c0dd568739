import type { FleetRow } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { afterAll, expect, test } from "vitest";
import { deviceDetail } from "../support/api.ts";
import { chromiumPath, closeBrowser, openPage, type TestPage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { ask, openDoors, openSolMate } from "../support/smart-os.ts";
import { openDevice, type TestSocket } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

/** A device of the first dialect that has sent one sample. */
async function startEms(server: TestServer, deviceId: string, solarW: number, soc = 85): Promise<TestSocket> {
  const device = await openDevice(server.wsUrl, deviceId, server.addDevice(deviceId));
  device.send(sampleOf(deviceId, { solar: { power: solarW }, battery: { power: 0, soc } }));
  return device;
}

/** A SolMate that has said what it is; gives the server's answer, too. */
async function startSolMate(
  server: TestServer,
  serial: string,
  body: object,
): Promise<TestSocket & { answer: string }> {
  const socket = await openSolMate(server.wsUrl);
  const answer = await ask(socket, { type: "INIT", message: `0000:${serial}:${JSON.stringify(body)}` });
  return Object.assign(socket, { answer });
}

/** The ids of the shown rows, from top to bottom. */
const idsOf = (page: TestPage): Promise<(string | null)[]> => page.locator("tbody th a").allTextContents();
const rowOf = (page: TestPage, id: string) =>
  page.getByRole("row").filter({ has: page.getByRole("link", { name: id, exact: true }) });
const cellOf = (page: TestPage, id: string, column: number) => rowOf(page, id).locator("td").nth(column);
const shows = (page: TestPage, ids: readonly string[]) =>
  eventually(async () => expect(await idsOf(page)).toEqual(ids));

async function startBothDialects() {
  const server = await startServer({ settings: openDoors });
  const ems = await startEms(server, "ems_001", 500);
  const v86 = await startSolMate(server, "0001", {
    _software_version: "v8.6",
    _country: "AT",
    _power_income: 388,
    _battery: 35,
    _capacity: 5_184_000,
  });
  const v90 = await startSolMate(server, "0002", {
    _software_version: "v9.0",
    _country: "DE",
    _power_income: 120,
    _battery: 90,
  });
  return { server, ems, v86, v90 };
}

needs("chromium", chromiumPath !== null)("the fleet table, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  test("shows both dialects, filters by any number of fields, and keeps the view in the address", async () => {
    const { server, v90 } = await startBothDialects();
    const page = await openPage(server.url);
    await shows(page, ["0001", "0002", "ems_001"]);

    await page.getByRole("button", { name: "Filter", exact: true }).click();
    await page.getByLabel("Field").selectOption("properties.country");
    await page.getByLabel("Comparison").selectOption("~");
    await page.getByRole("combobox", { name: "Value" }).fill("e");
    await page.getByRole("button", { name: "Add filter" }).click();
    await shows(page, ["0002"]);
    await page.getByRole("button", { name: "Remove filter: Country contains e" }).click();

    await page.getByLabel("Field").selectOption("battery.soc");
    await page.getByLabel("Comparison").selectOption(">=");
    await page.getByRole("combobox", { name: "Value" }).fill("50");
    await page.getByRole("combobox", { name: "Value" }).press("Enter");
    await shows(page, ["0002", "ems_001"]);
    expect(new URL(page.url()).searchParams.getAll("where")).toEqual(["battery.soc >= 50"]);
    await page.getByText("2 of 3 fit").waitFor();

    // In real time: what no longer meets the filter is gone by itself.
    v90.send({ type: "UPDT", message: '0001:0002:{"battery": 20}' });
    await shows(page, ["ems_001"]);
    await page.reload();
    await shows(page, ["ems_001"]);
    expect(page.complaints).toEqual([]);
  });

  test("orders by several columns while samples come in, by mouse and by keyboard", async () => {
    const { server, ems, v90 } = await startBothDialects();
    const page = await openPage(server.url);
    await shows(page, ["0001", "0002", "ems_001"]);
    const solar = page.getByRole("columnheader", { name: "Solar" });
    await solar.getByRole("button").click();
    await shows(page, ["ems_001", "0001", "0002"]);
    expect(await solar.getAttribute("aria-sort")).toBe("descending");

    v90.send({ type: "UPDT", message: '0001:0002:{"power_income": 450}' });
    await shows(page, ["ems_001", "0002", "0001"]);
    ems.send(sampleOf("ems_001", { solar: { power: 400 } }));
    await shows(page, ["0002", "ems_001", "0001"]);

    // Whoever points at a row hits it: it keeps its place, and only its values change.
    await page.getByRole("table").getByRole("link", { name: "0001", exact: true }).hover();
    v90.send({ type: "UPDT", message: '0002:0002:{"power_income": 10}' });
    await cellOf(page, "0002", 3).getByText("10 W").waitFor();
    await page.getByText("Rows keep their place").waitFor();
    expect(await idsOf(page)).toEqual(["0002", "ems_001", "0001"]);
    await page.mouse.move(5, 5);
    await shows(page, ["ems_001", "0001", "0002"]);

    await page.getByRole("columnheader", { name: "Country" }).getByRole("button").focus();
    await page.keyboard.press("Enter");
    await shows(page, ["0001", "0002", "ems_001"]);
    await solar.getByRole("button").click({ modifiers: ["Shift"] });
    await eventually(() =>
      expect(new URL(page.url()).searchParams.get("sort")).toBe("properties.country,-solar.power"),
    );
    expect(await solar.getAttribute("aria-sort")).toBe("descending");
    expect(page.complaints).toEqual([]);
  });

  test("has the columns that are chosen, of fields that nobody has described as well", async () => {
    const { server } = await startBothDialects();
    const page = await openPage(server.url);
    await shows(page, ["0001", "0002", "ems_001"]);
    await page.getByRole("button", { name: "Columns" }).click();
    await page.getByRole("dialog").getByLabel("Capacity").check();
    await page.getByRole("dialog").getByLabel("Grid voltage").check();
    await page.getByRole("dialog").getByLabel("State", { exact: true }).uncheck();
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("columnheader", { name: "Capacity" }).waitFor();
    await page.reload();
    await page.getByRole("columnheader", { name: "Grid voltage" }).waitFor();
    expect(await page.getByRole("columnheader", { name: "State" }).count()).toBe(0);
    await page.getByRole("row").getByText("5,184,000").waitFor();
    await page.getByRole("row").getByText("230.1").waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("shows 20, 50 or 100 devices a page, and says which", async () => {
    const server = await startServer();
    for (let number = 1; number <= 123; number++) server.addDevice(`ems_${number}`);
    const page = await openPage(server.url);
    await page.getByText("1–20 of 123").waitFor();
    await page.getByRole("button", { name: "Next page" }).click();
    await page.getByText("21–40 of 123").waitFor();
    // The rows that were in view still are.
    await page.getByLabel("Rows a page").selectOption("50");
    await page.getByText("1–50 of 123").waitFor();
    await page.getByLabel("Rows a page").selectOption("100");
    await page.getByRole("button", { name: "Next page" }).click();
    await page.getByText("101–123 of 123").waitFor();
    expect(await page.getByRole("button", { name: "Next page" }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Previous page" }).click();
    await page.getByText("1–100 of 123").waitFor();
    // Another list begins with its first page.
    await page.getByLabel("Search devices").fill("ems_12");
    await shows(page, ["ems_12", "ems_120", "ems_121", "ems_122", "ems_123"]);
    // A page that there is no more is the last one.
    await page.goto(`${server.url}/?page=99&rows=50`);
    await page.getByText("101–123 of 123").waitFor();
    // What was chosen last holds here wherever the address says nothing else; the address is what somebody else is sent.
    await page.goto(server.url);
    await page.getByText("1–100 of 123").waitFor();
    await page.getByLabel("Rows a page").selectOption("50");
    await page.waitForURL(/rows=50/);
    await page.getByLabel("Rows a page").selectOption("20");
    await page.getByText("1–20 of 123").waitFor();
    await page.goto(`${server.url}/?q=ems`);
    await page.getByText("1–20 of 123").waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("lights up what changes, unless that is switched off, or the system asks for less motion", async () => {
    const { server, v86 } = await startBothDialects();
    const page = await openPage(server.url);
    await shows(page, ["0001", "0002", "ems_001"]);
    const solar = cellOf(page, "0001", 3);
    await page.evaluate(() => {
      const seen: string[] = [];
      new MutationObserver((records) => {
        for (const { target } of records) {
          const cell = target as HTMLTableCellElement;
          const device = cell.closest("tr")?.querySelector("a")?.textContent;
          const isTinted = getComputedStyle(cell).backgroundColor !== "rgba(0, 0, 0, 0)";
          // What is animated is painted with each frame of the screen: that cost a quarter of a core for twenty rows.
          const moves = cell.getAnimations().length > 0 ? ", animated" : "";
          seen.push(`${device} ${cell.cellIndex} ${isTinted ? "lit" : "out"}${moves}`);
        }
      }).observe(document.body, { subtree: true, attributeFilter: ["data-lit"] });
      Object.assign(globalThis, { seen });
    });
    const seen = () => page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen);
    const blink = ["0001 4 lit", "0001 4 out"];
    v86.send({ type: "UPDT", message: '0001:0001:{"power_income": 391}' });
    await eventually(async () => expect(await seen()).toEqual(blink));
    // Each change does, and what did not change does not.
    v86.send({ type: "UPDT", message: '0002:0001:{"power_income": 394}' });
    await eventually(async () => expect(await seen()).toEqual([...blink, ...blink]));

    const control = page.getByRole("switch", { name: "Highlight updates" });
    await control.click();
    expect(await control.getAttribute("aria-checked")).toBe("false");
    v86.send({ type: "UPDT", message: '0003:0001:{"power_income": 401}' });
    await solar.getByText("401").waitFor();
    expect(await seen()).toHaveLength(4);
    await page.reload();
    await shows(page, ["0001", "0002", "ems_001"]);
    expect(await control.getAttribute("aria-checked")).toBe("false");

    const still = await openPage(server.url, { reducedMotion: "reduce" });
    await shows(still, ["0001", "0002", "ems_001"]);
    v86.send({ type: "UPDT", message: '0004:0001:{"power_income": 404}' });
    await cellOf(still, "0001", 3).getByText("404").waitFor();
    expect(await still.locator("[data-lit]").count()).toBe(0);
    expect(await still.getByRole("switch", { name: "Highlight updates" }).isDisabled()).toBe(true);
  });

  test("shows the last 30 seconds of a row that is clicked, what was before and what comes, over one socket", async () => {
    const { server, v86 } = await startBothDialects();
    v86.send({ type: "UPDT", message: '0001:0001:{"power_income": 200}' });
    const sockets: string[] = [];
    const page = await openPage("about:blank");
    page.on("websocket", (socket) => sockets.push(new URL(socket.url()).pathname));
    await page.goto(server.url);
    await cellOf(page, "0001", 3).getByText("200").waitFor();
    await cellOf(page, "0001", 3).click();
    const trend = page.getByRole("region", { name: "Last 30 seconds of 0001" });
    // From the store: the sample before the page was opened.
    await trend.getByText("200 W … 388 W").waitFor();
    v86.send({ type: "UPDT", message: '0002:0001:{"power_income": 500}' });
    await trend.getByText("200 W … 500 W").waitFor();
    expect(await inkOf(trend.locator("canvas"))).toBeGreaterThan(100);
    expect(sockets).toEqual(["/ws/fleet"]);

    const button = page.getByRole("button", { name: "Last 30 seconds of 0001" });
    expect(await button.getAttribute("aria-expanded")).toBe("true");
    await button.press("Enter");
    await trend.waitFor({ state: "detached" });
    await button.press("Enter");
    await trend.getByRole("link", { name: "Device page" }).click();
    expect(new URL(page.url()).pathname).toBe("/devices/0001");
    expect(page.complaints).toEqual([]);
  });

  test("lets an administrator accept a SolMate that waits, with one click, and nobody else", async () => {
    const server = await startServer({ settings: { "smart_os.access": "open" } });
    const solMate = await startSolMate(server, "0042", { battery: 50 });
    expect(solMate.answer).toContain("0000:0042:ERROR");
    const viewer = await openPage(server.url);
    await viewer.getByText("No devices yet").waitFor();
    expect(await viewer.getByText("SolMates waiting").count()).toBe(0);

    const page = await openPage(server.url + (server.setupLink?.path ?? ""));
    await page.getByLabel("Name").fill("root");
    await page.getByLabel("New password").fill("a long enough one");
    await page.getByLabel("The same once more").fill("a long enough one");
    await page.getByRole("button", { name: "Create" }).click();
    await page.getByText("SolMates waiting (1)").waitFor();
    await page.getByRole("button", { name: "Accept 0042" }).click();
    await page.getByText("is accepted").waitFor();
    await shows(page, ["0042"]);
    const again = await startSolMate(server, "0042", { battery: 51 });
    expect(again.answer).toContain("0000:0042:OK");
    await page.getByRole("row").getByText("51").waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("says nothing of a lost connection while it opens", async () => {
    const { server } = await startBothDialects();
    const page = await openPage("about:blank");
    await page.addInitScript(() => {
      const seen = new Set<string>();
      new MutationObserver(() =>
        seen.add(document.querySelector("[data-phase]")?.getAttribute("data-phase") ?? "none"),
      ).observe(document, {
        subtree: true,
        childList: true,
        attributes: true,
      });
      Object.assign(globalThis, { seenPhases: () => [...seen] });
    });
    await page.goto(server.url);
    await page.locator("[data-phase=live]").waitFor();
    const phases = await page.evaluate(() => (globalThis as unknown as { seenPhases: () => string[] }).seenPhases());
    expect(phases).toContain("connecting");
    expect(phases).not.toContain("lost");
  });

  test("shows a connected SolMate that is silent as idle, here and on its page, and a device that should speak as stale", async () => {
    // The page reads the time in answers, whose header has the real one: the four minutes pass up to now. Nobody answers pings meanwhile.
    const clock = new ManualClock(Date.now() - 4 * 60_000);
    const settings = { ...openDoors, "heartbeat.ping_ms": "86400000" };
    const server = await startServer({ clock, settings });
    const ems = await openDevice(server.wsUrl, "ems_001", server.addDevice("ems_001"));
    ems.send(sampleOf("ems_001", { timestamp: new Date(clock.wallMs()).toISOString() }));
    await startSolMate(server, "0001", { _power_income: 120, _battery: 90 });
    await eventually(async () => expect((await deviceDetail(server, "ems_001")).freshness).toBe("live"));
    clock.advance(4 * 60_000);
    const page = await openPage(server.url);
    await rowOf(page, "0001").getByText("idle 4 min").waitFor();
    await rowOf(page, "ems_001").getByText("stale 4 min").waitFor();
    await page.goto(`${server.url}/devices/0001`);
    await page.getByText("idle, last change 4 min ago").waitFor();
    await page.getByRole("heading", { name: "Now" }).waitFor();
    expect(await page.getByText("stale").count()).toBe(0);
    expect(page.complaints).toEqual([]);
  });

  test.each([1440, 900, 390, 360])("with 10,000 devices no figure runs into another on %d px", async (width) => {
    const { server } = await startBothDialects();
    const page = await openPage("about:blank", { viewport: { width, height: 900 } });
    // Each device of the stream stands for many, a megawatt each.
    await page.routeWebSocket("**/ws/fleet", (socket) => {
      const upstream = socket.connectToServer();
      upstream.onMessage((text) => {
        const frame = JSON.parse(String(text)) as { devices?: FleetRow[] };
        const powers = {
          "solar.power": 4e6,
          "load.power": 1e6,
          "battery.power": -2e6,
          "grid.power": 3e6,
          "battery.soc": 99.6,
        };
        const devices = frame.devices?.flatMap((row) =>
          Array.from({ length: 3_334 }, (_, at) => ({ ...row, id: `${row.id}_${at}`, points: powers })),
        );
        socket.send(JSON.stringify({ ...frame, devices }));
      });
    });
    await page.goto(server.url);
    const totals = page.getByRole("region", { name: "Totals" });
    await totals.getByText("/ 10,002").waitFor();
    await page.getByText("1–20 of 10,002").waitFor();
    const boxes = await totals.evaluate((section) =>
      [...(section.firstElementChild?.children ?? [])].map((figure) => {
        const range = document.createRange();
        range.selectNodeContents(figure.children[1] ?? figure);
        const { left, right, top } = range.getBoundingClientRect();
        return { left, right, top, text: figure.children[1]?.textContent };
      }),
    );
    expect(boxes.map(({ text }) => text)).toContain("40,008 MW");
    for (const [at, box] of boxes.entries()) {
      const next = boxes[at + 1];
      const edge = next === undefined || next.top > box.top + 5 ? width : next.left;
      expect([box.text, edge - box.right > 4]).toEqual([box.text, true]);
    }
    expect(page.complaints).toEqual([]);
  });

  test("comes back from a device to where it was left, and opens each device at its top", async () => {
    const server = await startServer();
    for (let number = 10; number < 60; number++) server.addDevice(`ems_${number}`);
    const page = await openPage(`${server.url}/?rows=50`);
    await page.getByRole("link", { name: "ems_55" }).scrollIntoViewIfNeeded();
    const leftAt = await page.evaluate(() => scrollY);
    expect(leftAt).toBeGreaterThan(500);
    await page.getByRole("link", { name: "ems_55" }).click();
    await page.getByRole("heading", { name: "ems_55" }).waitFor();
    expect(await page.evaluate(() => scrollY)).toBe(0);
    await page.goBack();
    await eventually(async () => expect(await page.evaluate(() => scrollY)).toBe(leftAt));
  });

  test("says what in an address cannot be read", async () => {
    const { server } = await startBothDialects();
    const page = await openPage(`${server.url}/?filter=battery.soc:near:5&filter=properties.country:==:AT`);
    await page.getByText(/battery\.soc near .* is not a condition/).waitFor();
    await shows(page, ["0001"]);
  });

  test("on a phone scrolls sideways below its first column, and keeps the overview in view", async () => {
    const { server } = await startBothDialects();
    for (let number = 1; number <= 15; number++) server.addDevice(`more_${number}`);
    const page = await openPage(server.url, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    await page.getByText("1–18 of 18").waitFor();
    await page.getByText("1–18 of 18").scrollIntoViewIfNeeded();
    const places = await page.evaluate(() => {
      const scroll = document.querySelector("table")?.parentElement;
      if (scroll == null) throw new Error("no table");
      scroll.scrollLeft = 300;
      const place = (element: Element | null) => element?.getBoundingClientRect();
      return {
        scrolled: scroll.scrollLeft,
        page: document.documentElement.scrollWidth,
        overview: place(document.querySelector("[aria-label=Totals]"))?.top,
        head: place(document.querySelector("tbody th"))?.left,
        table: place(scroll)?.left,
      };
    });
    expect(places.scrolled).toBe(300);
    expect(places.page).toBeLessThanOrEqual(390);
    expect(places.overview).toBe(0);
    expect(Math.abs((places.head ?? 0) - (places.table ?? 0))).toBeLessThanOrEqual(1);
    await page.getByRole("button", { name: "Last 30 seconds of more_15" }).tap();
    await page.getByText("No samples in the last 30 seconds.").waitFor();
  });
});

/** How many points of a chart are drawn. */
function inkOf(canvas: ReturnType<TestPage["locator"]>): Promise<number> {
  return canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const data = (element as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
    return Array.from(data).filter((value, at) => at % 4 === 3 && value > 0).length;
  });
}
