import { type MeBody, paths } from "@wattboard/protocol";
import { useEffect, useSyncExternalStore } from "react";
import { getJson, RequestFailed } from "./get-json.ts";

/** Who is signed in here: undefined before the server has said, null where nobody is known. */
let present: MeBody | null | undefined;
const listeners = new Set<() => void>();
let isAsked = false;

/** Asks the server anew who is signed in. */
export async function askWhoIsHere(): Promise<void> {
  isAsked = true;
  try {
    const { body } = await getJson<MeBody>(`${paths.api}/me`, AbortSignal.timeout(10_000));
    become(body);
  } catch (error) {
    if (!(error instanceof RequestFailed)) throw error;
    // Where the server does not answer, nobody has been signed out.
    if (error.isRefused) become(null);
    else isAsked = false;
  }
}

/** Takes note of what the server said about it otherwise. */
export function become(me: MeBody | null): void {
  present = me;
  isAsked = true;
  for (const listener of listeners) listener();
}

export function useMe(): MeBody | null | undefined {
  useEffect(() => {
    if (!isAsked) void askWhoIsHere();
  }, []);
  return useSyncExternalStore(subscribe, () => present);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether they may command the device, and share it. */
export function mayCommand(me: MeBody | null | undefined, deviceId: string): boolean {
  if (me === null || me === undefined || (me.role !== "operator" && me.role !== "admin")) return false;
  return me.devices === null || me.devices.includes(deviceId);
}
