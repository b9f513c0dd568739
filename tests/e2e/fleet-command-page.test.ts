import { isRefusal } from "@wattboard/protocol";
import { afterAll, expect, test } from "vitest";
import { chromiumPath, closeBrowser, openPage } from "../support/browser.ts";
import { type Caller, callerOf } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { createAdministrator, invite } from "../support/people.ts";
import { openSocket } from "../support/sockets.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

interface DeviceKind {
  readonly region: string;
  readonly maximumW: number;
  /** What it does with a command: shows that it was applied, raises an error flag as well, or nothing at all. */
  readonly does: "apply" | "fail" | "nothing";
}

/** A device that says what it can be told, and does what it is told. */
async function openDevice(server: TestServer, deviceId: string, { region, maximumW, does }: DeviceKind) {
  const added = server.devices.add({ deviceId, properties: { region } });
  if (isRefusal(added)) throw new Error(added.message);
  const device = await openSocket(`${server.wsUrl}/ws/device/${deviceId}`, {
    headers: { authorization: `Bearer ${added.token}` },
    protocols: ["wattboard.v1"],
  });
  const power = { MANUAL_DISCHARGE: { minimum: 0, maximum: maximumW } };
  device.send({ type: "hello", commands: { SET_MODE: { target_power: power, leases: true }, RESET_ERROR: {} } });
  device.send(sampleOf(deviceId));
  device.webSocket.on("message", (data) => {
    if (does === "nothing" || !String(data).includes("MANUAL_DISCHARGE")) return;
    const error_flags = does === "fail" ? ["OVERHEAT"] : [];
    const system_status = { state: "DISCHARGING", mode: "MANUAL", error_flags } as const;
    device.send(
      sampleOf(deviceId, { system_status: { ...system_status, error_flags }, battery: { power: -500 } } as never),
    );
  });
}

/** Six devices in Sweden, which differ by what they can, and one in India; and somebody who may command them. */
async function start(does: (at: number) => DeviceKind["does"] = () => "apply") {
  const server = await startServer();
  for (let at = 1; at <= 6; at++) {
    await openDevice(server, `ems_00${at}`, { region: "SE", maximumW: at === 6 ? 400 : 6_000, does: does(at) });
  }
  await openDevice(server, "ems_007", { region: "IN", maximumW: 6_000, does: "apply" });
  const operator = callerOf(server, "operator");
  await eventually(async () => {
    for (let at = 1; at <= 7; at++) expect((await operator.list(`ems_00${at}`)).announced).not.toBeNull();
  });
  const headers = { extraHTTPHeaders: { authorization: `Bearer ${operator.token}` } };
  return { server, operator, headers };
}

type Page = Awaited<ReturnType<typeof openPage>>;

/** From the fleet's table to the preview of a discharge with 500 W. */
async function previewDischarge(page: Page) {
  await page.getByRole("link", { name: "Command these 6 devices…" }).click();
  await page.getByText("6 devices fit now").waitFor();
  await page.getByRole("button", { name: "Discharge", exact: true }).click();
  await page.getByText("0 to 6,000 W; empty: all it can").waitFor();
  await page.getByRole("spinbutton", { name: "Power" }).fill("500");
  expect(await page.getByRole("combobox", { name: "Then back to Auto" }).inputValue()).toBe("3600000");
  await page.getByRole("combobox", { name: "Watched after each wave" }).selectOption({ label: "not at all" });
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByText("to 5 devices").waitFor();
}

async function onlyFleetCommand(operator: Caller) {
  const { fleet_commands: all } = await operator.get<{
    fleet_commands: { fleet_command_id: string; payload: object; where: string[]; status: string }[];
  }>("/fleet-commands");
  expect(all).toHaveLength(1);
  return all[0] as (typeof all)[number];
}

needs("chromium", chromiumPath !== null)("a fleet command from the page, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  test("goes from the table's filter over the preview and the canary to its record", async () => {
    const { server, operator, headers } = await start();
    const page = await openPage(`${server.url}/?where=${encodeURIComponent("properties.region = SE")}`, headers);
    await previewDischarge(page);
    // Whoever cannot is told of, with the reason.
    await page.getByText("1 device fits the filter and cannot be told so").click();
    await page.getByText("may be 0 to 400 W, not 500 W").waitFor();
    await page.getByRole("spinbutton", { name: "Devices a wave" }).fill("2");
    await page.getByText("Wave 2").waitFor();
    expect((await operator.get<{ fleet_commands: object[] }>("/fleet-commands")).fleet_commands).toEqual([]);
    await page.getByRole("button", { name: "Begin…" }).click();
    await page.getByRole("button", { name: "Command 5 devices now" }).click();

    await page.getByRole("heading", { name: "Discharge, 500 W, for 1 h" }).waitFor();
    await page.getByText("Every wave is through.").waitFor();
    await page.getByText("2 devices: 2 applied").first().waitFor();
    const begun = await onlyFleetCommand(operator);
    expect(begun).toMatchObject({
      where: ["properties.region = SE"],
      payload: { target_mode: "MANUAL_DISCHARGE", target_power: 500, lease_ms: 3_600_000 },
      status: "done",
    });
    expect(new URL(page.url()).pathname).toBe(`/fleet-commands/${begun.fleet_command_id}`);
    await page.getByRole("cell", { name: "canary" }).waitFor();
    expect(await page.getByRole("button", { name: /Abort/ }).count()).toBe(0);
    await page.getByRole("link", { name: "All fleet commands" }).click();
    await page.getByRole("cell", { name: "5 devices" }).waitFor();
    await page.getByRole("cell", { name: /^done/ }).waitFor();
    expect(page.complaints).toEqual([]);
  });

  test("is aborted while its canary is waited for: nobody else is commanded", async () => {
    const { server, operator, headers } = await start(() => "nothing");
    const page = await openPage(`${server.url}/?where=${encodeURIComponent("properties.region = SE")}`, headers);
    await previewDischarge(page);
    await page.getByRole("button", { name: "Begin…" }).click();
    await page.getByRole("button", { name: "Command 5 devices now" }).click();
    await page.getByText("1 device: 1 under way").waitFor();
    await page.getByRole("button", { name: "Abort…" }).click();
    await page.getByRole("button", { name: "Abort: 4 devices will not be commanded" }).click();
    await page.getByText("Aborted by token operator.").first().waitFor();
    await page.getByText("1 device: 1 passed over").first().waitFor();
    expect((await onlyFleetCommand(operator)).status).toBe("aborted");
    expect(page.complaints).toEqual([]);
  });

  test("that stops itself says why, and at which device", async () => {
    const { server, headers } = await start((at) => (at === 1 ? "apply" : "fail"));
    const page = await openPage(`${server.url}/?where=${encodeURIComponent("properties.region = SE")}`, headers);
    await previewDischarge(page);
    await page.getByRole("button", { name: "Begin…" }).click();
    await page.getByRole("button", { name: "Command 5 devices now" }).click();
    await page
      .getByText(/of the changed devices raised error flags; the first: ems_00\d OVERHEAT/)
      .first()
      .waitFor();
    await page.getByText("new: OVERHEAT").first().waitFor();
  });

  test("says what of the table's filter it cannot have, and reaches nobody before that is settled", async () => {
    const { server, headers } = await start();
    const page = await openPage(`${server.url}/?q=ems_00&show=error`, headers);
    await page.goto(`${server.url}/fleet-commands/new?q=ems_007&show=error`);
    await page.getByText("The search for “ems_007”").waitFor();
    expect(await page.getByRole("button", { name: "Preview" }).count()).toBe(0);
    await page.getByRole("button", { name: "Device id contains it" }).click();
    expect(await page.getByRole("button", { name: "Preview" }).count()).toBe(0);
    await page.getByRole("button", { name: "Any error flag" }).click();
    await page.getByText("0 devices fit now").waitFor();
    expect(new URL(page.url()).searchParams.getAll("where")).toEqual(["id ~ ems_007", 'error_flags ~ ""']);
    // A filter that is cut reaches more than was meant.
    await page.goto(`${server.url}/fleet-commands/new?where=nonsense`);
    await page.getByText("Not all of this address could be read").waitFor();
    expect(await page.getByRole("button", { name: "Preview" }).count()).toBe(0);
  });

  test("is offered to nobody who may not give it, and an owner reaches their own devices alone", async () => {
    const { server, operator } = await start();
    const admin = await createAdministrator(server);
    const viewer = await invite(admin, "vera", { role: "viewer", devices: null });
    const owner = await invite(admin, "olaf", { role: "operator", devices: ["ems_002"] });
    const begun = await operator.post<{ fleet_command_id: string }>("/fleet-commands", {
      action: "RESET_ERROR",
      payload: {},
      where: ["id = ems_001"],
      settle_ms: 3_600_000,
    });
    const open = async ({ cookie }: { readonly cookie: string }, path: string) => {
      const page = await openPage("about:blank");
      const cookies = cookie.split("; ").map((pair) => {
        const at = pair.indexOf("=");
        return { name: pair.slice(0, at), value: pair.slice(at + 1), url: server.url };
      });
      await page.context().addCookies(cookies);
      await page.goto(server.url + path);
      return page;
    };
    const seen = await open(viewer, "/");
    await seen.getByRole("link", { name: "ems_001" }).first().waitFor();
    expect(
      await seen
        .getByRole("link", { name: /Command/ })
        .or(seen.getByRole("link", { name: /Fleet command/ }))
        .count(),
    ).toBe(0);
    await seen.goto(`${server.url}/fleet-commands/new`);
    await seen.getByText("You may look at devices, but not command them.").waitFor();
    expect(await seen.getByRole("button", { name: "Preview" }).count()).toBe(0);
    await seen.goto(`${server.url}/fleet-commands/${begun.body.fleet_command_id}`);
    await seen.getByRole("heading", { name: "Reset error" }).waitFor();
    expect(await seen.getByRole("button", { name: /Abort/ }).count()).toBe(0);

    const own = await open(owner, "/");
    await own.getByRole("link", { name: "Command 1 of these 7 devices…" }).click();
    await own.getByText("1 device fits now").waitFor();
    await own.getByText("All devices", { exact: true }).waitFor();
    await own.goto(`${server.url}/fleet-commands/${begun.body.fleet_command_id}`);
    await own.getByRole("heading", { name: "Reset error" }).waitFor();
    // It runs for as long as its device is watched, and ending it is for who began it, or has all devices.
    await own.getByText("running", { exact: true }).waitFor();
    expect(await own.getByRole("button", { name: /Abort/ }).count()).toBe(0);
  });
});
