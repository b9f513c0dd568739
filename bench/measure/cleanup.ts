const pending = new Set<() => void>();

/** Runs `task` (synchronous) when the bench ends, however it does. Gives a function that takes the task back. */
export function atEnd(task: () => void): () => void {
  pending.add(task);
  return () => pending.delete(task);
}

/** Ctrl-C and our own mistakes end the process in an orderly way, so that no server and no folder is left. */
export function cleanUpAtEnd(): void {
  process.once("exit", () => {
    for (const task of pending) task();
  });
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  process.once("uncaughtException", (error) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}
