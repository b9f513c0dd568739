import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { atEnd } from "../measure/cleanup.ts";
import { until } from "../measure/until.ts";
import type { Counts, Server, ServerOptions } from "./server.ts";
import { ServerProcess } from "./server-process.ts";

const program = fileURLToPath(new URL("../baselines/plain-ws.ts", import.meta.url));

/** The baseline, see `baselines/plain-ws.ts`. */
export async function startPlainWs(options: ServerOptions): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-bench-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const keep = atEnd(remove);
  const portFile = join(folder, "port");
  const child = new ServerProcess(program, [portFile], {}, options);
  let port = 0;
  await until(
    () => {
      child.assertRuns();
      port = readPort(portFile);
      return port > 0;
    },
    () => "The plain ws server did not start in time.",
  );
  return {
    name: "plain ws",
    port,
    pid: child.pid,
    counts: async () => (await (await fetch(`http://127.0.0.1:${port}/counts`)).json()) as Counts,
    collectGarbage: () => child.signal("SIGUSR2"),
    stop: async () => {
      await child.stop();
      remove();
      keep();
    },
  };
}

function readPort(path: string): number {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch {
    return 0;
  }
}
