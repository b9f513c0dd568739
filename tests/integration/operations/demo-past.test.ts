import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandBody, EventsBody } from "@wattboard/protocol";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { CliProcess, makeFolder } from "../../support/run-cli.ts";

const dayMs = 86_400_000;
const outageMs = 40 * 60_000;

interface Coverage {
  readonly coverage: {
    readonly share: number | null;
    readonly expected_from: string | null;
    readonly gaps: readonly { from: string; to: string }[];
  };
}

/** A demo with one device in that folder, and what its API says of the device. */
async function startDemo(cwd: string, ...flags: string[]) {
  const demo = new CliProcess(["demo", "--devices=1", "--port=0", ...flags], { cwd });
  const [, url = ""] = await demo.printed(/Fleet, live +(\S+)/);
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${url}/api/v1${path}`);
    expect(answer.status).toBe(200);
    return (await answer.json()) as T;
  };
  const range = (days: number) =>
    new URLSearchParams({ from: new Date(Date.now() - days * dayMs).toISOString(), to: new Date().toISOString() });
  return {
    ask,
    history: (days: number) =>
      ask<Coverage & { samples: number[] }>(`/devices/sim_0001/history?points=battery.soc&buckets=100&${range(days)}`),
    energy: (days: number) =>
      ask<Coverage & { spans: { consumed_wh: number | null }[] }>(
        `/devices/sim_0001/energy?per=month&time_zone=UTC&${range(days)}`,
      ),
    stop: async () => {
      demo.signal("SIGINT");
      const { code, stderr } = await demo.exit();
      expect(code).toBe(0);
      expect(stderr).not.toMatch(/error|warning/i);
    },
  };
}

function partsDone(cwd: string): number {
  return JSON.parse(readFileSync(join(cwd, "data", "demo", "demo-past.json"), "utf8")).partsDone;
}

describe("the past of a demo", () => {
  test("is as long as was asked for, whole but for an outage, made to its end by the next start after a Ctrl-C, and made once", async () => {
    const cwd = makeFolder();
    const first = await startDemo(cwd, "--history-days=30");
    // In the middle: the newest day is being stored, or has just been.
    await eventually(async () => {
      const { samples } = await first.history(1);
      expect(samples.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(1_000);
    });
    await first.stop();
    const doneFirst = partsDone(cwd);
    expect(doneFirst).toBeLessThan(4);

    const second = await startDemo(cwd);
    await eventually(() => expect(partsDone(cwd)).toBe(4), { withinMs: 60_000 });
    const { coverage, samples } = await second.history(29);
    expect(samples.every((count) => count > 0)).toBe(true);
    // Beside the outage nothing is missing but the moments in which no demo ran.
    const gaps = coverage.gaps.map(({ from, to }) => Date.parse(to) - Date.parse(from));
    expect(gaps.filter((ms) => ms >= outageMs && ms < outageMs + 5_000)).toHaveLength(1);
    expect(coverage.share).toBeGreaterThan(0.99);
    const { spans } = await second.energy(29);
    expect(spans.length).toBeGreaterThanOrEqual(1);
    for (const { consumed_wh } of spans) expect(consumed_wh).toBeGreaterThan(0);
    const { events } = await second.ask<EventsBody>("/events?limit=100");
    expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["disconnected", "connected"]));
    const { commands } = await second.ask<{ commands: CommandBody[] }>("/devices/sim_0001/commands");
    expect(commands.map(({ action, status }) => [action, status])).toEqual([
      ["SET_MODE", "applied"],
      ["SET_MODE", "applied"],
    ]);
    const pastSamples = async (demo: typeof second) =>
      (
        await demo.ask<{ samples: number[] }>(
          `/devices/sim_0001/history?points=battery.soc&buckets=10&${new URLSearchParams({
            from: new Date(Date.now() - 2 * dayMs).toISOString(),
            to: new Date(Date.now() - dayMs).toISOString(),
          })}`,
        )
      ).samples.length;
    const before = await pastSamples(second);
    await second.stop();

    const third = await startDemo(cwd);
    expect(await pastSamples(third)).toBe(before);
    expect(partsDone(cwd)).toBe(4);
    await third.stop();
  });

  test("is left out by --no-history, and a demo that began without one never gets one", async () => {
    const cwd = makeFolder();
    const startedAtMs = Date.now() - 1_000;
    for (const flags of [["--no-history"], []]) {
      const demo = await startDemo(cwd, ...flags);
      // Expected from the registration on, or from the first sample, whichever was earlier.
      const { coverage } = await demo.history(3);
      expect(Date.parse(coverage.expected_from ?? "")).toBeGreaterThan(startedAtMs);
      await demo.stop();
    }
    expect(existsSync(join(cwd, "data", "demo", "demo-past.json"))).toBe(false);
  });
});
