import { useQuery } from "@tanstack/react-query";
import type { MeBody } from "@wattboard/protocol";
import { apiPaths } from "../paths.ts";
import { queryClient } from "./query-client.ts";
import { getJson, RequestFailed } from "./request.ts";

const queryKey = [apiPaths.me];

/** Who is signed in here: undefined before the server has said, null where nobody is known. */
export function useMe(): MeBody | null | undefined {
  return useQuery({
    queryKey,
    queryFn: askMe,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    // Rights may have changed while somebody was elsewhere, or looked on.
    refetchOnWindowFocus: "always",
    refetchInterval: 30_000,
  }).data;
}

/** Asks the server anew who is signed in. */
export function askWhoIsHere(): Promise<void> {
  return queryClient.refetchQueries({ queryKey });
}

/** Takes note of what the server said about it otherwise. What another one was shown is forgotten. */
export function become(me: MeBody | null): void {
  queryClient.setQueryData(queryKey, me);
  queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== apiPaths.me });
}

/** Whether they may command the device, and share it. */
export function mayCommand(me: MeBody | null | undefined, deviceId: string): boolean {
  return mayCommandAny(me) && (me.devices === null || me.devices.includes(deviceId));
}

/** Whether there are devices that they may command. */
export function mayCommandAny(me: MeBody | null | undefined): me is MeBody {
  if (me === null || me === undefined || (me.role !== "operator" && me.role !== "admin")) return false;
  return me.devices === null || me.devices.length > 0;
}

async function askMe({ signal }: { readonly signal: AbortSignal }): Promise<MeBody | null> {
  try {
    return await getJson<MeBody>(apiPaths.me, signal);
  } catch (error) {
    if (error instanceof RequestFailed && error.isRefused) return null;
    // Where the server does not answer, nobody has been signed out.
    throw error;
  }
}
