import { afterAll, expect, test } from "vitest";
import { chromiumPath, closeBrowser, openPage } from "../support/browser.ts";
import { callerOf } from "../support/commands.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { openSocket } from "../support/sockets.ts";
import { startServer } from "../support/start-server.ts";
import { sampleOf } from "../support/telemetry.ts";

needs("chromium", chromiumPath !== null)("commands on the device's page, in Chromium against a real server", () => {
  afterAll(closeBrowser);

  async function start() {
    const server = await startServer();
    const device = await openSocket(`${server.wsUrl}/ws/device/ems_001`, {
      headers: { authorization: `Bearer ${server.addDevice("ems_001")}` },
      protocols: ["wattboard.v1"],
    });
    device.send({
      type: "hello",
      commands: { SET_MODE: { target_power: { MANUAL_DISCHARGE: { maximum: 800 } }, leases: true } },
      parameters: [{ name: "reserve_soc", type: "integer", label: "Reserve", unit: "%", minimum: 5, maximum: 50 }],
    });
    device.send(sampleOf("ems_001", { parameters: { reserve_soc: 10 } }));
    const operator = callerOf(server, "operator");
    await eventually(async () => expect((await operator.list("ems_001")).announced).not.toBeNull());
    return { server, device, operator };
  }

  test("an operator sets a mode and sees each step of it, until the telemetry shows it", async () => {
    const { server, device, operator } = await start();
    const page = await openPage(`${server.url}/devices/ems_001`, {
      extraHTTPHeaders: { authorization: `Bearer ${operator.token}` },
    });
    await page.getByRole("button", { name: "Discharge", exact: true }).click();
    await page.getByRole("spinbutton", { name: "Power" }).fill("500");
    await page.getByRole("combobox", { name: "Then back to Auto" }).selectOption({ label: "after 15 min" });
    await page.getByRole("button", { name: "Set mode" }).click();
    await page.getByText("Discharge, 500 W, for 15 min").waitFor();
    await page.locator(".command-status", { hasText: "sent" }).waitFor();
    const { commands } = await operator.list("ems_001");
    expect(commands[0]).toMatchObject({
      action: "SET_MODE",
      payload: { target_mode: "MANUAL_DISCHARGE", target_power: 500, lease_ms: 900_000 },
    });
    device.send({ type: "command_result", command_id: commands[0]?.command_id, status: "accepted" });
    await page.locator(".command-status", { hasText: "accepted" }).waitFor();
    device.send(sampleOf("ems_001", { system_status: { mode: "MANUAL" }, battery: { power: -500 } }));
    await page.locator(".command-status", { hasText: "applied" }).waitFor();

    await page.getByRole("spinbutton", { name: "Now 10 %" }).fill("20");
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.getByText("reserve_soc = 20").waitFor();
    // What the device has not announced is not offered.
    expect(await page.getByRole("button", { name: /Restart|Reset/ }).count()).toBe(0);
    expect(page.complaints).toEqual([]);
  });

  test("who may not give commands is told so, and how to sign in", async () => {
    const { server, operator } = await start();
    const page = await openPage(`${server.url}/devices/ems_001`);
    await page.getByRole("button", { name: "Set mode" }).click();
    await page.getByText("it needs the operator role").waitFor();
    await page.getByRole("link", { name: "Sign in" }).last().waitFor();
    expect((await operator.list("ems_001")).commands).toEqual([]);
  });
});
