import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { EmbeddedStore, loadConfig, storeLimits } from "wattboard";
import { firstRegistration } from "../../packages/server/dist/store/registration.js";
import { inTime } from "../support/eventually.ts";
import { rounds } from "../support/long-run.ts";

const folder = mkdtempSync(join(tmpdir(), "wattboard-kill-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const writer = fileURLToPath(new URL("../support/store-writer.ts", import.meta.url));
const limits = storeLimits(loadConfig({ flags: {}, env: {}, file: undefined }).config);
const kills = rounds(40, 100);
const devices = 10;

/** Lets the writer work until it has acknowledged so many, and then a moment more; gives how many it had acknowledged when it was killed. */
async function writeAndKill(epoch: number, untilSeq: number, waitMs: number): Promise<number> {
  const child = spawn(process.execPath, [writer, folder, JSON.stringify(limits), String(epoch), String(devices)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let acked = 0;
  let rest = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    acked = Math.max(acked, ...lines.map(Number));
    if (acked >= untilSeq) setTimeout(() => child.kill("SIGKILL"), waitMs);
  });
  await once(child, "close");
  return acked;
}

test(
  "what was acknowledged survives kill -9 again and again under load: nothing lost, nothing doubled, the file sound",
  async () => {
    const ackedByEpoch = new Map<number, number>();
    for (let epoch = 1; epoch <= kills; epoch++) {
      // At all kinds of moments: while starting, in the first commits, while parts are written and blocks are sealed.
      ackedByEpoch.set(epoch, await writeAndKill(epoch, (epoch * 7) % 31, (epoch * 13) % 30));
    }
    const store = await EmbeddedStore.open(folder, limits);
    const check = async (): Promise<void> => {
      for (let device = 0; device < devices; device++) {
        const query = {
          registration: firstRegistration(`ems_${device}`),
          fromMs: 0,
          toMs: Date.UTC(2027, 0, 1),
          take: "first",
          limit: 1e7,
        } as const;
        const samples = await store.samples(query);
        const seqsByEpoch = new Map<number, number[]>();
        for (const { epoch, seq, points } of samples) {
          expect(points["load.power"]).toBe(seq);
          seqsByEpoch.set(epoch, [...(seqsByEpoch.get(epoch) ?? []), seq]);
        }
        for (const [epoch, acked] of ackedByEpoch) {
          const seqs = seqsByEpoch.get(epoch) ?? [];
          expect(seqs).toEqual(seqs.map((_, at) => at));
          expect(seqs.length).toBeGreaterThanOrEqual(acked);
          // At most the hand-over whose answer the kill cut off.
          expect(seqs.length).toBeLessThanOrEqual(acked + 2);
        }
      }
      expect(await store.verify(() => {})).toEqual({ faults: [], unchecked: 0 });
    };
    await check();
    await store.compactAll();
    await check();
    await store.close();
    expect(Math.max(...ackedByEpoch.values())).toBeGreaterThan(20);
  },
  inTime(300_000),
);
