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
      const fields = statFields(`/proc/${pid}/task/${thread}`);
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

/** CPU time of a process, its children, and those of its children that have ended, ms; 0 where there is no /proc. */
export function processFamilyCpuMs(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
    const fields = statFields(`/proc/${pid}`);
    // Its own user and system time, and both of the children that it has waited for.
    const own = fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
    return children.reduce((sum, child) => sum + processFamilyCpuMs(Number(child)), (1_000 * own) / ticksPerSecond);
  } catch {
    return 0;
  }
}

/** Memory of the process that is in RAM, KB. Linux only. */
export function residentKb(pid: number): number {
  return statusKb(pid, "VmRSS");
}

/** The most that it ever had in RAM, KB. Linux only. */
export function peakResidentKb(pid: number): number {
  return statusKb(pid, "VmHWM");
}

/** What this process has had written to block devices, bytes; null where Linux does not tell. */
export function writtenBytes(): number | null {
  try {
    const found = /^write_bytes: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"));
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}

function statusKb(pid: number, name: string): number {
  const lines = readFileSync(`/proc/${pid}/status`, "utf8").split("\n");
  const [kb] = /\d+/.exec(lines.find((line) => line.startsWith(`${name}:`)) ?? "") ?? [];
  if (kb === undefined) throw new Error(`The memory of process ${pid} cannot be read.`);
  return Number(kb);
}

/** From the third on, which stands behind the command's name; that is in parentheses and may hold blanks. utime is the 12th of these. */
function statFields(folder: string): string[] {
  const stat = readFileSync(`${folder}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}
