import type { Span } from "../load/record-batches.ts";
import { Comparisons } from "../measure/comparison.ts";
import { quantile } from "../measure/spread.ts";
import { addDisk } from "../stores/disk-figures.ts";
import { assertSameAnswers } from "../stores/same-answers.ts";
import type { Answer, Question } from "../stores/subject.ts";
import { NotAvailable, SubjectProcess } from "../stores/subject-process.ts";
import { subjectNames } from "../stores/task.ts";
import type { Progress, Scenario } from "./scenario.ts";

const kinds = ["embedded", "sqlite", "duckdb", "postgres"] as const;
const baseline = subjectNames.sqlite;
const windowMs = 900_000;
const dayMs = 86_400_000;
const buckets = 300;
/** More would take hours to store, and a chart of a year reads as many summaries. */
const yearPeriodSeconds = 10;

export const history: Scenario = {
  name: "history",
  summary:
    "weeks of some devices and a year of one: bytes on disk, a day and a year in 300 buckets, beside three databases",
  method:
    "Each subject, as in `store`, is filled with `--days` of samples at 1 Hz, which is not measured, and sealed. Then one device after another is asked for two points (min, avg, max) over 24 hours " +
    `in 300 buckets, again and again for \`--seconds\`; a round asks all subjects once. Then the same, in new files, with 365 days of one device that sends each ${yearPeriodSeconds} s, over the whole year in 300 buckets. ` +
    "Warm. All must have found the same. Bytes on disk are those of the weeks.",
  defaults: { rounds: 3, seconds: 10, devices: 20, days: 30 },
  smoke: { rounds: 1, seconds: 0.5, devices: 2, days: 0.05 },

  async run({ rounds, seconds, devices, days = 1 }, progress) {
    const comparisons = new Comparisons();
    const toMs = Math.floor(Date.now() / windowMs) * windowMs;
    const fromMs = toMs - Math.ceil((days * dayMs) / windowMs) * windowMs;
    // Long buckets are whole quarters of an hour: 365 days and some hours.
    const yearBucketMs = Math.ceil((365 * dayMs) / buckets / windowMs) * windowMs;
    const yearFromMs = toMs - buckets * yearBucketMs;
    const spans: readonly { readonly span: Span; readonly name: string; readonly bucketMs: number }[] = [
      {
        span: { devices, fromMs, seconds: (toMs - fromMs) / 1_000 },
        name: "one device, 24 h in 300 buckets",
        bucketMs: dayMs / buckets,
      },
      {
        span: {
          devices: 1,
          fromMs: yearFromMs,
          seconds: (toMs - yearFromMs) / 1_000,
          // A quarter of an hour keeps all windows, and makes few samples.
          periodSeconds: days < 1 ? windowMs / 1_000 : yearPeriodSeconds,
        },
        name: "one device, 1 year in 300 buckets",
        bucketMs: yearBucketMs,
      },
    ];
    for (const [place, { span, name, bucketMs }] of spans.entries()) {
      const questions = Array.from(
        { length: span.devices },
        (_, device): Question => ({ kind: "history", device, fromMs: toMs - buckets * bucketMs, toMs, bucketMs }),
      );
      const samples = span.devices * Math.ceil(span.seconds / (span.periodSeconds ?? 1));
      const { subjects, left } = await fillSubjects(span, samples, progress);
      for (let round = 1; round <= rounds; round++) {
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
      for (const subject of subjects) {
        const disk = await subject.close();
        if (place === 0) addDisk(comparisons, subjectNames[subject.kind], disk, samples);
      }
      for (const by of left) comparisons.leaveOut(figure(`${name}, p50`), by);
    }
    return comparisons.list();
  },
};

/** Fills each with the span; `left` are the names of those that this machine does not have. */
async function fillSubjects(
  span: Span,
  samples: number,
  progress: Progress,
): Promise<{ readonly subjects: SubjectProcess[]; readonly left: string[] }> {
  const subjects: SubjectProcess[] = [];
  const left: string[] = [];
  for (const kind of kinds) {
    const by = subjectNames[kind];
    let subject: SubjectProcess;
    try {
      subject = await SubjectProcess.open(kind);
    } catch (error) {
      if (!(error instanceof NotAvailable)) throw error;
      progress(`${by}: not available: ${error.message}`);
      left.push(by);
      continue;
    }
    subjects.push(subject);
    progress(`${by}: storing ${samples} samples`);
    await subject.run("fill", { span });
    await subject.run("seal", {});
  }
  return { subjects, left };
}

function figure(quantity: string) {
  return { quantity, unit: "ms", digits: 2, baseline };
}
