import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
import { SubjectProcess } from "../stores/subject-process.ts";
import { subjectNames } from "../stores/task.ts";
import type { Scenario } from "./scenario.ts";

const windowMs = 900_000;
const baseline = subjectNames.sqlite;
/** Until windows are over, their parts are merged into blocks, and those are in the file: 15 minutes to wait, and some to spare. */
const quietSeconds = 45 * 60;
/** What SQLite's rows write does not change after that, and is gigabytes. */
const rowsSecondsMax = 600;
/** Magic numbers of file systems that are memory. */
const inMemory = new Set([0x01021994, 0x858458f6]);

export const wear: Scenario = {
  name: "wear",
  summary: "bytes written to the disk for each sample at 1 Hz, and the longest pause for tidying up",
  method:
    "The store without its thread and with a simulated clock takes a commit for each 250 ms of samples, tidies up in between as its thread does, and goes on without samples until everything is sealed; all that is written " +
    "until then counts. Beside it SQLite with a row a sample and the same commits, its first 10 minutes. Written is `write_bytes` of /proc/self/io: pages handed to the block device, not what the device makes of them. A pause is " +
    "one step of tidying up: a commit that comes meanwhile waits for it; its CPU time is told too, in which other work on the machine does not count. The hour passes in a minute or two, so the disk has less rest between two commits than it has in truth.",
  defaults: { rounds: 3, seconds: 3_600, devices: 1_000 },
  smoke: { rounds: 1, seconds: 20, devices: 20 },

  async run({ rounds, seconds, devices }, progress) {
    const comparisons = new Comparisons();
    const isOnDisk = !inMemory.has(statfsSync(tmpdir()).type);
    if (!isOnDisk)
      progress(`${tmpdir()} is in memory: what is written to the disk cannot be told; set TMPDIR to a folder on one`);
    const written = { quantity: "written to the disk a sample", unit: "B", digits: 0, baseline };
    for (let round = 1; round <= rounds; round++) {
      for (const kind of ["simulated", "sqlite"] as const) {
        const name = subjectNames[kind];
        const isStore = kind === "simulated";
        const spanSeconds = isStore ? seconds : Math.min(seconds, rowsSecondsMax);
        const fromMs = Math.floor(Date.now() / windowMs) * windowMs;
        const subject = await SubjectProcess.open(kind);
        const span = { devices, fromMs, seconds: spanSeconds };
        const paced = await subject.run("pace", { span, quietSeconds: isStore ? quietSeconds : 0 });
        const each = (paced.writtenBytes ?? Number.NaN) / (devices * spanSeconds);
        progress(`round ${round} of ${rounds}: ${name}: ${each.toFixed(0)} B a sample`);
        if (isOnDisk && paced.writtenBytes !== null) comparisons.add(written, name, each);
        else comparisons.leaveOut(written, name);
        comparisons.add(about("commit, p50"), name, quantile(paced.commitsMs, 0.5));
        comparisons.add(about("commit, p99"), name, quantile(paced.commitsMs, 0.99));
        comparisons.add(about("commit, longest"), name, paced.commitsMs.at(-1) ?? Number.NaN);
        if (isStore) {
          comparisons.add(about("pause for tidying up, p99"), name, quantile(paced.stepsMs, 0.99));
          comparisons.add(about("pause for tidying up, longest"), name, paced.stepsMs.at(-1) ?? Number.NaN);
          comparisons.add(about("pause for tidying up, most CPU"), name, paced.stepsCpuMs.at(-1) ?? Number.NaN);
        }
        await subject.close();
      }
    }
    return comparisons.list();
  },
};

function about(quantity: string) {
  return { quantity, unit: "ms", digits: 2 };
}
