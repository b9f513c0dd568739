import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
import { addDisk } from "../stores/disk-figures.ts";
import { assertSameAnswers } from "../stores/same-answers.ts";
import type { Answer, Question } from "../stores/subject.ts";
import { NotAvailable, SubjectProcess } from "../stores/subject-process.ts";
import { subjectNames } from "../stores/task.ts";
import type { Scenario } from "./scenario.ts";

const kinds = ["embedded", "sqlite", "duckdb", "postgres"] as const;
const baseline = subjectNames.sqlite;
const windowMs = 900_000;
const dayMs = 86_400_000;
const buckets = 300;

export const history: Scenario = {
  name: "history",
  summary: "weeks of some devices: bytes on disk, a day and a year in 300 buckets, beside three databases",
  method:
    "Each subject, as in `store`, is filled with `--days` of samples, which is not measured, and sealed. Then one device after another is asked for two points (min, avg, max) over 24 hours and " +
    "over 365 days, of which those days hold data, in 300 buckets, again and again for `--seconds`; a round asks all subjects once. Warm. All must have found the same.",
  defaults: { rounds: 3, seconds: 10, devices: 20, days: 30 },
  smoke: { rounds: 1, seconds: 0.5, devices: 2, days: 0.05 },

  async run({ rounds, seconds, devices, days = 1 }, progress) {
    const comparisons = new Comparisons();
    const toMs = Math.floor(Date.now() / windowMs) * windowMs;
    const fromMs = toMs - Math.ceil((days * dayMs) / windowMs) * windowMs;
    const span = { devices, fromMs, seconds: (toMs - fromMs) / 1_000 };
    const samples = devices * span.seconds;
    const subjects: SubjectProcess[] = [];
    const left: string[] = [];
    for (const kind of kinds) {
      const name = subjectNames[kind];
      let subject: SubjectProcess;
      try {
        subject = await SubjectProcess.open(kind);
      } catch (error) {
        if (!(error instanceof NotAvailable)) throw error;
        progress(`${name}: not available: ${error.message}`);
        left.push(name);
        continue;
      }
      subjects.push(subject);
      progress(`${name}: storing ${samples} samples`);
      await subject.run("fill", { span });
      await subject.run("seal", {});
    }
    for (let round = 1; round <= rounds; round++) {
      for (const { name, questions } of questionsOf(devices, toMs)) {
        let expected: readonly Answer[] | null = null;
        for (const subject of subjects) {
          const { answers, ms } = await subject.run("ask", { questions, seconds });
          const by = subjectNames[subject.kind];
          expected ??= answers;
          assertSameAnswers(name, expected, answers, by);
          const [p50, p99] = [quantile(ms, 0.5), quantile(ms, 0.99)];
          progress(`round ${round} of ${rounds}: ${name}: ${by} p50 ${p50.toFixed(1)} ms`);
          comparisons.add(figure(`${name}, p50`), by, p50);
          comparisons.add(figure(`${name}, p99`), by, p99);
        }
      }
    }
    for (const subject of subjects) addDisk(comparisons, subjectNames[subject.kind], await subject.close(), samples);
    for (const { name } of questionsOf(devices, toMs))
      for (const by of left) comparisons.leaveOut(figure(`${name}, p50`), by);
    return comparisons.list();
  },
};

function questionsOf(devices: number, toMs: number): { readonly name: string; readonly questions: Question[] }[] {
  const of = (spanMs: number, bucketMs: number): Question[] =>
    Array.from({ length: devices }, (_, device) => ({
      kind: "history",
      device,
      fromMs: toMs - spanMs,
      toMs,
      bucketMs,
    }));
  // Long buckets are whole quarters of an hour: 365 days and some hours.
  const yearBucketMs = Math.ceil((365 * dayMs) / buckets / windowMs) * windowMs;
  return [
    { name: "one device, 24 h in 300 buckets", questions: of(dayMs, dayMs / buckets) },
    { name: "one device, 1 year in 300 buckets", questions: of(buckets * yearBucketMs, yearBucketMs) },
  ];
}

function figure(quantity: string) {
  return { quantity, unit: "ms", digits: 2, baseline };
}
