// Many devices in a process of their own, for tests: `node herd.ts URL sdk|naive`, with a line `id token` for each on standard input. They hold their
// links and send nothing. The naive ones connect again at once, whatever they were told.
import { once } from "node:events";
import { createInterface } from "node:readline";
import { connectDevice } from "@wattboard/device";
import { WebSocket } from "ws";

const [url = "", kind] = process.argv.slice(2);
const connect = kind === "naive" ? connectNaively : connectWell;

for await (const line of createInterface({ input: process.stdin })) {
  const [deviceId = "", token = ""] = line.split(" ");
  connect(deviceId, token);
  // Not faster than they would be let in.
  if (Math.random() < 0.01) await new Promise((resolve) => setTimeout(resolve, 200));
}
await once(process, "SIGTERM");

function connectWell(deviceId: string, token: string): void {
  connectDevice({ deviceId, token, url, journal: false, log: () => {} });
}

function connectNaively(deviceId: string, token: string): void {
  const webSocket = new WebSocket(`${url.replace("http", "ws")}/ws/device/${deviceId}`, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  });
  webSocket.on("error", () => {});
  webSocket.once("close", () => setImmediate(() => connectNaively(deviceId, token)));
}
