import { readdirSync, readFileSync } from "node:fs";

/** CPU time that a process has used so far, s: its main thread, and all its other threads (store worker, GC, compiler) together. */
interface CpuSeconds {
  readonly main: number;
  readonly others: number;
}

const ticksPerSecond = 100;

/** Reads Linux's /proc; null elsewhere. */
export function cpuSeconds(pid: number): CpuSeconds | null {
  try {
    let main = 0;
    let others = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      // The command's name is in parentheses and may hold blanks; utime and stime are the 12th and 13th field behind it.
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const seconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
      if (Number(thread) === pid) main += seconds;
      else others += seconds;
    }
    return { main, others };
  } catch {
    return null;
  }
}

/** CPU of all threads between two readings, % of a core. */
export function cpuShare(before: CpuSeconds | null, after: CpuSeconds | null, tookMs: number): number | null {
  if (before === null || after === null) return null;
  return (1e5 * (after.main + after.others - before.main - before.others)) / tookMs;
}

/** Memory of the process that is in RAM, KB. Linux only. */
export function residentKb(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (found === null) throw new Error(`The memory of process ${pid} cannot be read.`);
  return Number(found[1]);
}
