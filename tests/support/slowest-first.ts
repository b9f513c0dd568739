import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take long though they are short. Where nothing has run yet Vitest begins with the largest ones, and one worker would wait for these at the end. */
const slow = [
  "e2e/accessibility",
  "e2e/people-pages",
  "e2e/administration",
  "e2e/rights",
  "e2e/administration-looks",
  "faults/store-kill",
  "transfer/many-samples",
  "transfer/backup",
  "faults/database-away",
  "faults/linear-time",
  "faults/herd",
  "simulation/simulation",
  "faults/unread-answers",
  "faults/failing-starts-and-stops",
  "faults/hostile-commands",
  "embedded/block-store-model",
];

export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const found = slow.findIndex((name) => moduleId.endsWith(`${name}.test.ts`));
      return found < 0 ? slow.length : found;
    };
    return sorted.sort((a, b) => place(a) - place(b));
  }
}
