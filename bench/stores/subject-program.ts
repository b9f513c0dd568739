// A subject in a process of its own: `node subject-program.ts KIND FOLDER`, with a channel to the bench.
import { readBatches, recordBatches } from "../load/record-batches.ts";
import { writtenBytes } from "../measure/process-figures.ts";
import type { Answer, Cost, Question, Subject } from "./subject.ts";
import type { SubjectKind, TaskName, Tasks } from "./task.ts";

type Perform = { [Name in TaskName]: (task: Tasks[Name]["task"]) => Promise<Tasks[Name]["result"]> };

/** How often it is asked at least, however long that takes, and at most. */
const asksMin = 5;
const asksMax = 300;

const [kind = "", folder = ""] = process.argv.slice(2);
const subject = await open(kind as SubjectKind).catch((error: unknown) => {
  process.send?.({ error: error instanceof Error ? error.message : String(error) });
  process.exit(1);
});
// The bench has ended, however it did.
process.on("disconnect", () => process.exit(1));
process.on("SIGTERM", () => process.exit(1));
process.on("message", ({ name, task }: { name: TaskName; task: never }) => {
  tasks[name](task).then(
    (result) => process.send?.({ result }, () => name === "close" && process.exit(0)),
    (error: unknown) => process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : error }),
  );
});
process.send?.({ result: null });

async function open(which: SubjectKind): Promise<Subject> {
  switch (which) {
    case "embedded":
      return (await import("./embedded.ts")).openEmbedded(folder);
    case "simulated":
      return (await import("./embedded.ts")).openEmbeddedInSimulatedTime(folder);
    case "sqlite":
      return (await import("./sqlite-rows.ts")).openSqliteRows(folder);
    case "duckdb":
      return (await import("./duckdb.ts")).openDuckDb(folder);
    case "postgres":
      return (await import("./postgres.ts")).openPostgres();
  }
}

const tasks: Perform = {
  append: ({ path }) =>
    measured(async () => {
      for (const batch of readBatches(path)) await subject.append(batch);
    }),

  async fill({ span }) {
    for (const batch of recordBatches(span)) await subject.append(batch);
    return null;
  },

  async pace({ span, quietSeconds }) {
    const commitsPerSecond = 4;
    const commitsMs: number[] = [];
    const stepsMs: number[] = [];
    const stepsCpuMs: number[] = [];
    const passed = ({ ms, cpuMs }: Cost): void => {
      stepsMs.push(ms);
      stepsCpuMs.push(cpuMs);
    };
    const writtenBefore = writtenBytes();
    let nowMs = span.fromMs;
    for (const batch of recordBatches(span, Math.ceil(span.devices / commitsPerSecond))) {
      nowMs += 1_000 / commitsPerSecond;
      const startedAtMs = performance.now();
      await subject.append(batch);
      commitsMs.push(performance.now() - startedAtMs);
      subject.advance?.(nowMs, passed);
    }
    for (let second = 1; second <= quietSeconds; second++) subject.advance?.(nowMs + second * 1_000, passed);
    if (quietSeconds > 0) await subject.seal();
    const written = writtenBytes();
    return {
      writtenBytes: writtenBefore === null || written === null ? null : written - writtenBefore,
      commitsMs: commitsMs.sort((a, b) => a - b),
      stepsMs: stepsMs.sort((a, b) => a - b),
      stepsCpuMs: stepsCpuMs.sort((a, b) => a - b),
    };
  },

  seal: () => measured(async () => await subject.seal()),

  async ask({ questions, seconds }) {
    const answers: Answer[] = [];
    // The first time is for warming up.
    for (const question of questions) answers.push(await subject.ask(question));
    const ms: number[] = [];
    const endAtMs = performance.now() + seconds * 1_000;
    for (let asked = 0; asked < asksMin || (asked < asksMax && performance.now() < endAtMs); asked++) {
      const startedAtMs = performance.now();
      await subject.ask(questions[asked % questions.length] as Question);
      ms.push(performance.now() - startedAtMs);
    }
    return { answers, ms: ms.sort((a, b) => a - b) };
  },

  close: async () => await subject.close(),
};

async function measured(task: () => Promise<void>): Promise<Cost> {
  const cpuBefore = subject.cpuMs();
  const startedAtMs = performance.now();
  await task();
  return { ms: performance.now() - startedAtMs, cpuMs: subject.cpuMs() - cpuBefore };
}
