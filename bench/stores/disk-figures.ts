import type { Comparisons } from "../measure/comparison.ts";
import type { Disk } from "./subject.ts";
import { subjectNames } from "./task.ts";

/** Reports what a closed subject's files take. */
export function addDisk(into: Comparisons, name: string, { bytes, freeBytes }: Disk, samples: number): void {
  const about = { unit: "B", digits: 1, baseline: subjectNames.sqlite };
  into.add({ ...about, quantity: "on disk a sample" }, name, bytes / samples);
  if (freeBytes === undefined) return;
  into.add(
    { ...about, quantity: "on disk a sample, less pages that are free for the next" },
    name,
    (bytes - freeBytes) / samples,
  );
}
