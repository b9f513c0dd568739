// The unit tests of `packages/device-python`, which are in Python, by each Python of this machine that has what they need.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inTime } from "@wattboard/testing/patience";
import { expect, test } from "vitest";
import { needs } from "../support/needs.ts";
import { pythonWithWebsockets } from "../support/python-client.ts";

const folder = fileURLToPath(new URL("../../packages/device-python", import.meta.url));
const env = { PATH: process.env.PATH, PYTHONPATH: "src", PYTHONDONTWRITEBYTECODE: "1" };

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(pythonWithWebsockets ?? "python3", args, {
    cwd: folder,
    env,
    encoding: "utf8",
  });
  return { status, text: `${stdout}${stderr}` };
}

needs("python3-websockets", pythonWithWebsockets !== undefined)("wattboard-device", () => {
  test(
    "passes its unit tests",
    () => {
      const { status, text } = run("-m", "unittest", "discover", "-s", "tests", "-t", ".");
      expect(text).toMatch(/^Ran [1-9][0-9]+ tests/m);
      expect(status, text).toBe(0);
    },
    inTime(120_000),
  );

  test("has the limits of the wire contract", async () => {
    const { limits } = await import("@wattboard/protocol");
    const names = {
      FRAME_BYTES_MAX: limits.frameBytesMax,
      MESSAGES_PER_SECOND: limits.messagesPerSecond,
      BACKFILL_SAMPLES_MAX: limits.backfillSamplesMax,
      NAME_LENGTH_MAX: limits.nameLengthMax,
      TEXT_LENGTH_MAX: limits.textLengthMax,
      SEQ_MAX: limits.seqMax,
      DURABLE_RANGES_MAX: limits.durableRangesMax,
      LEASE_MS_MIN: limits.leaseMsMin,
      LEASE_MS_MAX: limits.leaseMsMax,
    };
    const list = Object.keys(names).join(", ");
    const { text } = run("-c", `from wattboard_device.limits import *; print([${list}])`);
    expect(JSON.parse(text)).toEqual(Object.values(names));
  });
});

const hasMypy = spawnSync(pythonWithWebsockets ?? "python3", ["-c", "import mypy"]).status === 0;

// Not among what CI installs: a check for who has it.
test.skipIf(!hasMypy)("wattboard-device passes mypy --strict", () => {
  const { status, text } = run("-m", "mypy", "--cache-dir=/dev/null");
  expect(status, text).toBe(0);
});
