import { readFileSync } from "node:fs";
import { basename } from "node:path";

const watchMs = 1_000;
/** Between npm and what it starts there are a shell or two and a script. */
const generationsMax = 8;

/**
 * Resolves when npm or npx, which has started this process, is gone: it does not pass every signal on, and a server that it left behind would keep
 * port and folder. Never resolves where npm is not among the ancestors. Looked at once a second.
 */
export function untilNpmIsGone(): Promise<"npm is gone"> {
  const ancestors = npmAncestors();
  return new Promise((resolve) => {
    if (ancestors === null) return;
    const timer = setInterval(() => {
      if (areThere(ancestors)) return;
      clearInterval(timer);
      resolve("npm is gone");
    }, watchMs).unref();
  });
}

/** The parent of this process, its parent and so on, npm the last; null where it is not among them. */
function npmAncestors(): readonly number[] | null {
  // Where ancestors cannot be looked at (no /proc), the parent alone is watched: the shell that npm has started, and takes with it.
  if (parentOf(process.pid) === null) return process.env.npm_execpath === undefined ? null : [process.ppid];
  const ancestors: number[] = [];
  for (let pid: number | null = process.ppid; pid !== null && pid > 1; pid = parentOf(pid)) {
    ancestors.push(pid);
    if (isNpm(pid)) return ancestors;
    if (ancestors.length === generationsMax) return null;
  }
  return null;
}

/** Whether each is still the child of the next. An orphan gets another parent; a number that was given anew has one. */
function areThere(ancestors: readonly number[]): boolean {
  if (process.ppid !== ancestors[0]) return false;
  return (
    parentOf(process.pid) === null ||
    ancestors.every((pid, at) => {
      const parent = parentOf(pid);
      return parent !== null && (at + 1 === ancestors.length || parent === ancestors[at + 1]);
    })
  );
}

/** Null where the process has ended, although nobody may have asked how, or where there is no /proc. */
function parentOf(pid: number): number | null {
  // The name of the program, in parentheses, may hold anything, parentheses too.
  const stat = readProc(pid, "stat");
  const [state = "", parent = ""] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "" || state === "Z" || state === "X" ? null : Number(parent);
}

function isNpm(pid: number): boolean {
  // npm writes what it runs over its own command line: `npm exec wattboard serve`.
  const [program = "", script = ""] = readProc(pid, "cmdline").split("\0");
  return [program.split(" ", 1)[0] ?? "", script].some((each) =>
    /^(npm|npx|pnpm|yarn)(-cli)?(\.c?js)?$/.test(basename(each)),
  );
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
