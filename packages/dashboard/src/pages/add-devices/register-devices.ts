import type { BulkDevicesAnswer, BulkDevicesBody } from "@wattboard/protocol";
import { sendJson } from "../../api/request.ts";
import { apiPaths } from "../../paths.ts";
import type { ListedDevice, RowResult } from "./device-list-file.ts";
import { newToken } from "./new-token.ts";

/** Devices of one request: a second of the server's time at the most, and a step of the progress. */
const batchMax = 50;

/**
 * Registers the devices, some with each request, and tells of each batch what became of it. `tokens`, by line, are kept for those whose answer did
 * not come: asked for again with the same token, such a device is told to be registered. Throws a `RequestFailed`; then the rest was not tried.
 */
export async function registerDevices(
  devices: readonly ListedDevice[],
  tokens: Map<number, string>,
  onDone: (done: readonly RowResult[]) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let from = 0; from < devices.length && !signal.aborted; from += batchMax) {
    const batch = devices.slice(from, from + batchMax);
    for (const { line, token } of batch) if (!tokens.has(line)) tokens.set(line, token ?? newToken());
    const body: BulkDevicesBody = {
      devices: batch.map(({ line, deviceId, name, properties }) => ({
        device_id: deviceId,
        ...(name !== "" && { name }),
        properties,
        token: tokens.get(line) ?? "",
      })),
    };
    const { results } = await sendJson<BulkDevicesAnswer>("POST", apiPaths.bulkDevices, body);
    onDone(
      batch.map(({ line, deviceId }, at): RowResult => {
        const { outcome, token = "", message = "" } = results[at] ?? {};
        return outcome === "refused"
          ? { line, deviceId, outcome, token: "", message }
          : { line, deviceId, outcome: "added", token, message: "" };
      }),
    );
  }
}
