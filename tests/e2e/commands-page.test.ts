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
    await page.getByText("0 to 800 W; empty: all it can").waitFor();
    await page.getByRole("spinbutton", { name: "Power" }).fill("500");
    // Who forgets it finds the device in Auto again.
    const lease = page.getByRole("combobox", { name: "Then back to Auto" });
    expect(await lease.inputValue()).toBe("3600000");
    await lease.selectOption({ label: "after 15 min" });
    await page.getByRole("button", { name: "Set mode" }).click();
    await page.getByText("Discharge, 500 W, for 15 min").waitFor();
    await page.locator("summary [data-tone]", { hasText: "sent" }).waitFor();
    const { commands } = await operator.list("ems_001");
    expect(commands[0]).toMatchObject({
      action: "SET_MODE",
      payload: { target_mode: "MANUAL_DISCHARGE", target_power: 500, lease_ms: 900_000 },
    });
    device.send({ type: "command_result", command_id: commands[0]?.command_id, status: "accepted" });
    await page.locator("summary [data-tone]", { hasText: "accepted" }).waitFor();
    device.send(sampleOf("ems_001", { system_status: { mode: "MANUAL" }, battery: { power: -500 } }));
    await page.locator("summary [data-tone]", { hasText: "applied" }).waitFor();

    await page.getByRole("spinbutton", { name: "Now 10 %" }).fill("20");
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.getByText("reserve_soc = 20").waitFor();
    // What the device has not announced is not offered.
    expect(await page.getByRole("button", { name: /Restart|Reset/ }).count()).toBe(0);
    expect(page.complaints).toEqual([]);
  });

  test("shows the mode that the device is in, and begins with it", async () => {
    const { server, device, operator } = await start();
    device.send(sampleOf("ems_001", { system_status: { mode: "MANUAL", target_mode: "MANUAL_CHARGE" } }));
    const page = await openPage(`${server.url}/devices/ems_001`, {
      extraHTTPHeaders: { authorization: `Bearer ${operator.token}` },
    });
    await page.getByText("Mode now: Charge").waitFor();
    const pressed = page.getByRole("group", { name: "Mode", exact: true }).locator("[aria-pressed=true]");
    await eventually(async () => expect(await pressed.textContent()).toBe("Charge"));
  });

  test("nobody sees a control that they may not use", async () => {
    const { server, operator } = await start();
    const viewer = callerOf(server, "viewer");
    await operator.give("ems_001", { action: "SET_MODE", payload: { target_mode: "AUTO" } });
    for (const headers of [{}, { authorization: `Bearer ${viewer.token}` }]) {
      const page = await openPage(`${server.url}/devices/ems_001`, { extraHTTPHeaders: headers });
      const commands = page.getByRole("region", { name: "Commands" });
      // What became of those that were given is there to be seen.
      await commands.getByText("Auto", { exact: true }).waitFor();
      await commands.getByText("to command this device").waitFor();
      expect(await commands.getByRole("button").or(commands.getByRole("combobox")).count()).toBe(0);
      expect(await page.getByRole("button", { name: "Share" }).count()).toBe(0);
      expect(page.complaints).toEqual([]);
    }
  });
});
