import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { connectDevice } from "./connect-device.ts";
import type { DeviceNotice } from "./device-notice.ts";

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-journals-"));
  const before = process.env.WATTBOARD_JOURNALS;
  process.env.WATTBOARD_JOURNALS = folder;
  onTestFinished(() => {
    if (before === undefined) delete process.env.WATTBOARD_JOURNALS;
    else process.env.WATTBOARD_JOURNALS = before;
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function connect(): { device: ReturnType<typeof connectDevice>; notices: DeviceNotice[] } {
  const notices: DeviceNotice[] = [];
  const device = connectDevice({
    deviceId: "ems_001",
    token: "t",
    url: "http://127.0.0.1:9",
    log: (notice) => notices.push(notice),
  });
  onTestFinished(() => device.stop());
  return { device, notices };
}

test("nobody has said where: samples are kept on the disk, in the device's own folder, beyond the program's end", async () => {
  const folder = makeFolder();
  const { device, notices } = connect();
  expect(device.send({ battery: { soc: 50 } })).toBe(true);
  await device.stop();
  expect(existsSync(join(folder, "ems_001"))).toBe(true);
  expect(notices.map(({ code }) => code)).not.toContain("journal_in_memory");
  expect(connect().device.waiting).toBe(1);
});

test("a folder that cannot be had, or that another program has, costs nothing but the disk: samples stay in memory, and that is told", async () => {
  const folder = makeFolder();
  writeFileSync(join(folder, "ems_001"), "no folder");
  const { device, notices } = connect();
  expect(device.send({ battery: { soc: 50 } })).toBe(true);
  expect(device.waiting).toBe(1);
  expect(notices.map(({ code }) => code)).toContain("journal_failed");
  rmSync(join(folder, "ems_001"));
  const [first, second] = [connect(), connect()];
  expect(first.notices.map(({ code }) => code)).not.toContain("journal_in_memory");
  expect(second.notices.map(({ code }) => code)).toContain("journal_in_memory");
});
