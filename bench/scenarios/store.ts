import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { folderInMemory, recordBatches, type Span, writeBatches } from "../load/record-batches.ts";
import { atEnd } from "../measure/cleanup.ts";
import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
import { addDisk } from "../stores/disk-figures.ts";
import { assertSameAnswers } from "../stores/same-answers.ts";
import type { Answer, Question } from "../stores/subject.ts";
import { NotAvailable, SubjectProcess } from "../stores/subject-process.ts";
import { type SubjectKind, subjectNames } from "../stores/task.ts";
import type { Progress, RunOptions, Scenario } from "./scenario.ts";

const kinds = ["embedded", "sqlite", "duckdb", "postgres"] as const;
const baseline = subjectNames.sqlite;
const windowMs = 900_000;
/** Of one question, on one subject in one round. */
const askSeconds = 3;
const askedDevices = 20;
const bytesPerRecord = 340;

export const store: Scenario = {
  name: "store",
  summary:
    "samples a second into the store on one core, bytes on disk, and questions about them, beside three databases",
  method:
    "An hour of samples (12 points each, drifting, about 330 bytes a record) is written beforehand to a file in memory, and appended in batches of about 4 MiB, each durable before " +
    "the next, by a fresh process with a new folder for each subject and round; all its threads, and PostgreSQL's processes, are on one core. `sealed` is when everything is where it stays: Wattboard's " +
    "parts are blocks; SQLite's and DuckDB's logs are checkpointed; PostgreSQL's windows are summarized, then VACUUM ANALYZE and CHECKPOINT. On disk is every file when it " +
    "has been closed, for PostgreSQL without what an empty server has. The tables of SQLite and DuckDB have a row a sample; SQLite's with primary key (device, epoch, seq) and an index by device and " +
    "time, DuckDB's without either. PostgreSQL is Wattboard's adapter without TimescaleDB. Questions are asked one at a time, warm; all subjects must have found the same.",
  defaults: { rounds: 3, seconds: 3_600, devices: 1_000 },
  smoke: { rounds: 1, seconds: 300, devices: 20 },

  async run(options, progress) {
    const comparisons = new Comparisons();
    const { devices, seconds } = options;
    const endMs = Math.floor(Date.now() / windowMs) * windowMs;
    const span = { devices, seconds, fromMs: endMs - Math.ceil((seconds * 1_000) / windowMs) * windowMs };
    progress(`writing ${devices * seconds} samples to be appended`);
    const input = prepare(span);
    const expected: (readonly Answer[])[] = [];
    for (let round = 1; round <= options.rounds; round++) {
      for (const kind of kinds) {
        const found = await measure(kind, input.path, span, options, comparisons, (text) =>
          progress(`round ${round} of ${options.rounds}: ${subjectNames[kind]}: ${text}`),
        );
        for (const [at, answers] of found.entries()) {
          expected[at] ??= answers;
          assertSameAnswers(questionsOf(span)[at]?.name ?? "", expected[at], answers, subjectNames[kind]);
        }
      }
    }
    input.remove();
    return comparisons.list();
  },
};

function prepare(span: Span): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(folderInMemory(span.devices * span.seconds * bytesPerRecord), "wattboard-bench-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const keep = atEnd(remove);
  const path = join(folder, "batches");
  writeBatches(path, recordBatches(span));
  return {
    path,
    remove() {
      remove();
      keep();
    },
  };
}

/** Gives what was found, in the order of the questions; nothing where the subject is not available. */
async function measure(
  kind: SubjectKind,
  path: string,
  span: Span,
  { profileDir }: RunOptions,
  into: Comparisons,
  progress: Progress,
): Promise<(readonly Answer[])[]> {
  const name = subjectNames[kind];
  let subject: SubjectProcess;
  try {
    subject = await SubjectProcess.open(kind, { profileDir: kind === "embedded" ? profileDir : undefined });
  } catch (error) {
    if (!(error instanceof NotAvailable)) throw error;
    progress(`not available: ${error.message}`);
    into.leaveOut(rate("appended and sealed"), name);
    return [];
  }
  const samples = span.devices * span.seconds;
  const append = await subject.run("append", { path });
  const seal = await subject.run("seal", {});
  const perSecond = (1e3 * samples) / (append.ms + seal.ms);
  progress(`${Math.round(perSecond)} samples/s appended and sealed`);
  into.add(rate("appended and sealed"), name, perSecond);
  into.add(rate("appended (durable, not sealed yet)"), name, (1e3 * samples) / append.ms);
  const cpu = { quantity: "CPU a sample, sealed", unit: "µs", digits: 2, baseline };
  into.add(cpu, name, (1e3 * (append.cpuMs + seal.cpuMs)) / samples);
  const found: (readonly Answer[])[] = [];
  for (const { name: asked, questions } of questionsOf(span)) {
    const { answers, ms } = await subject.run("ask", { questions, seconds: askSeconds });
    found.push(answers);
    for (const [label, q] of [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const)
      into.add({ quantity: `${asked}, ${label}`, unit: "ms", digits: 2, baseline }, name, quantile(ms, q));
  }
  addDisk(into, name, await subject.close(), samples);
  return found;
}

function questionsOf({ devices, fromMs, seconds }: Span): { readonly name: string; readonly questions: Question[] }[] {
  const toMs = fromMs + seconds * 1_000;
  const asked = Array.from({ length: Math.min(askedDevices, devices) }, (_, index) => index);
  return [
    {
      name: "one device, the last 30 s",
      questions: asked.map((device) => ({ kind: "samples", device, fromMs: toMs - 30_000, toMs })),
    },
    {
      name: `${devices} devices, sum of grid power for each minute of ${seconds / 60}`,
      questions: [{ kind: "fleet", devices, fromMs, toMs, bucketMs: 60_000 }],
    },
  ];
}

function rate(quantity: string) {
  return { quantity, unit: "samples/s", digits: 0, baseline };
}
