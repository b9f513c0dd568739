// The baseline: what one writes with `ws` in an afternoon. Anyone may connect; a message is parsed and validated with the same compiled
// validator, counted, and sent to each dashboard of the device with `send`. Nothing is authenticated, limited or stored.
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { paths } from "@wattboard/protocol";
import { telemetryValidator } from "@wattboard/protocol/validate";
import { type WebSocket, WebSocketServer } from "ws";

const [portFile = ""] = process.argv.slice(2);
let accepted = 0;
let lost = 0;
const dashboards = new Map<string, Set<WebSocket>>();

const http = createServer((_request, response) => {
  response.end(JSON.stringify({ accepted, lost, stored: null }));
});
const webSocketServer = new WebSocketServer({
  server: http,
  perMessageDeflate: false,
  clientTracking: false,
  maxPayload: 16 * 1024,
});

webSocketServer.on("connection", (socket, { url = "" }) => {
  if (url.startsWith(paths.device)) serveDevice(socket, url.slice(paths.device.length));
  else serveDashboard(socket, url.slice(paths.dashboard.length));
});

function serveDevice(socket: WebSocket, deviceId: string): void {
  socket.on("message", (data: Buffer) => {
    if (!isValid(data, deviceId)) {
      lost++;
      return;
    }
    accepted++;
    for (const dashboard of dashboards.get(deviceId) ?? []) dashboard.send(data, { binary: false });
  });
}

function isValid(data: Buffer, deviceId: string): boolean {
  try {
    const message: unknown = JSON.parse(data.toString());
    return telemetryValidator.check(message) && message.device_id === deviceId;
  } catch {
    return false;
  }
}

function serveDashboard(socket: WebSocket, deviceId: string): void {
  const watching = dashboards.get(deviceId) ?? new Set();
  dashboards.set(deviceId, watching.add(socket));
  socket.on("close", () => watching.delete(socket));
}

http.listen(0, "127.0.0.1", 4_096, () => writeFileSync(portFile, String((http.address() as AddressInfo).port)));
process.once("SIGTERM", () => process.exit());
