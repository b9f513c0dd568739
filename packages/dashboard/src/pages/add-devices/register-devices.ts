import { RequestFailed, sendJson } from "../../api/request.ts";
import { apiPaths } from "../../paths.ts";
import type { ListedDevice, RowResult } from "./device-list-file.ts";

/** Requests under way at once. */
const atOnceMax = 4;

/** Registers each device, a few at a time, and tells of each what became of it. Where the server does not answer it stops, and the rest is not tried. */
export async function registerDevices(
  devices: readonly ListedDevice[],
  onDone: (done: RowResult) => void,
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...devices];
  let failure: unknown = null;
  const work = async (): Promise<void> => {
    for (;;) {
      const device = failure === null && !signal.aborted ? waiting.shift() : undefined;
      if (device === undefined) return;
      try {
        onDone(await register(device));
      } catch (error) {
        failure ??= error;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnceMax }, work));
  if (failure !== null) throw failure;
}

async function register({ line, deviceId, name, properties, token: own }: ListedDevice): Promise<RowResult> {
  const body = { device_id: deviceId, ...(name !== "" && { name }), properties, ...(own !== null && { token: own }) };
  try {
    const { token } = await sendJson<{ token: string }>("POST", apiPaths.devices, body);
    return { line, deviceId, outcome: "added", token, message: "" };
  } catch (error) {
    if (!(error instanceof RequestFailed) || error.status === 0 || error.status >= 500 || error.isRefused) throw error;
    return { line, deviceId, outcome: "refused", token: "", message: error.message };
  }
}
