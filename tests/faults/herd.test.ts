// Aim: a fleet that has lost its links all at once comes back, and a fleet that comes back without any patience does not take the server down.
// Method: devices in a process of their own hold their links; the server is killed and started anew on the same port. First they are devices of the
// SDK, which spread out; then naive ones, which connect again at once, and again at once when they are refused. All must be back in the end, and the
// server must stay within its memory and answer meanwhile. How long it took is printed.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { metric } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { rounds } from "../support/long-run.ts";
import { makeFolder, type ServeProcess, startServe } from "../support/run-cli.ts";
import { startServer } from "../support/start-server.ts";

const deviceCount = rounds(300, 10_000);
const residentBytesMax = 2 * 1024 ** 3;
const herdScript = fileURLToPath(new URL("../support/herd.ts", import.meta.url));

async function provision(dataDir: string): Promise<string[]> {
  const server = await startServer({ dataDir });
  const lines = Array.from({ length: deviceCount }, (_, at) => `ems_${at} ${server.addDevice(`ems_${at}`)}`);
  await server.stop();
  return lines;
}

function startHerd(url: string, kind: "sdk" | "naive", lines: readonly string[]): ChildProcess {
  const herd = spawn(process.execPath, [herdScript, url, kind], { stdio: ["pipe", "ignore", "inherit"] });
  onTestFinished(() => void herd.kill("SIGKILL"));
  herd.stdin?.end(lines.join("\n"));
  return herd;
}

const online = (server: ServeProcess): Promise<number> => metric(server, 'wattboard_connections{role="device"}');
const residentBytes = (server: ServeProcess): Promise<number> => metric(server, "process_resident_memory_bytes");

test.each(["sdk", "naive"] as const)(
  `${deviceCount} devices that were cut off at once come back: %s`,
  async (kind) => {
    const dataDir = makeFolder();
    const lines = await provision(dataDir);
    const before = await startServe({ dataDir, args: ["--limits-sockets-per-address=20000"] });
    startHerd(before.url, kind, lines);
    await eventually(async () => expect(await online(before)).toBe(deviceCount), { withinMs: 300_000 });
    before.process.signal("SIGKILL");
    await before.process.exited;
    const startedMs = performance.now();
    const again = await startServe({
      dataDir,
      args: [`--port=${new URL(before.url).port}`, "--limits-sockets-per-address=20000"],
    });
    let most = 0;
    const back = async (share: number): Promise<void> => {
      await eventually(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 100));
          // It answers meanwhile.
          const count = await online(again);
          most = Math.max(most, await residentBytes(again));
          expect(count).toBeGreaterThanOrEqual(share * deviceCount);
        },
        { withinMs: 300_000 },
      );
      const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
      console.log(`${kind}: ${Math.round(share * 100)} % of ${deviceCount} were back ${seconds} s after the kill`);
    };
    await back(0.95);
    await back(1);
    console.log(`${kind}: the server took ${Math.round(most / 1024 ** 2)} MB at the most`);
    expect(most).toBeLessThan(residentBytesMax);
    // Nobody was let in faster than the setting says, or nothing of this was tried.
    if (kind === "naive" && deviceCount > 1_000) {
      const refused = await metric(again, 'wattboard_handshakes_refused_total{door="device",code="too_many_connects"}');
      expect(refused).toBeGreaterThan(0);
    }
  },
  1_200_000,
);
