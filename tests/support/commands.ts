import {
  type CommandBody,
  type CommandListBody,
  type CommandStatus,
  type FleetCommandBody,
  type FleetDeviceBody,
  isRefusal,
  type NewCommandBody,
} from "@wattboard/protocol";
import { eventually } from "./eventually.ts";
import type { TestServer } from "./start-server.ts";

interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** Somebody with an API token. */
export interface Caller {
  readonly token: string;
  post<T = CommandBody>(path: string, body: unknown): Promise<Answer<T>>;
  get<T>(path: string): Promise<T>;
  /** Gives a command that must be taken. */
  give(deviceId: string, body: NewCommandBody): Promise<CommandBody>;
  show(deviceId: string, commandId: string): Promise<CommandBody>;
  list(deviceId: string): Promise<CommandListBody>;
  /** Resolves when the command is there, and gives it. */
  reaches(deviceId: string, commandId: string, status: CommandStatus): Promise<CommandBody>;
  fleet(fleetCommandId: string): Promise<FleetCommandBody>;
  fleetDevices(fleetCommandId: string): Promise<readonly FleetDeviceBody[]>;
}

/** Makes an API token with this role on the server, and gives who bears it. */
export function callerOf(server: TestServer, role: "viewer" | "operator" | "admin", name: string = role): Caller {
  const added = server.apiTokens.add(name, role, null);
  if (isRefusal(added)) throw new Error(added.message);
  return callerWith(server, added.token);
}

export function callerWith({ url }: { readonly url: string }, token: string): Caller {
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}/api/v1${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
  const get = async <T>(path: string): Promise<T> => {
    const answer = await ask(path);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const post = async <T = CommandBody>(path: string, body: unknown): Promise<Answer<T>> => {
    const answer = await ask(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as T };
  };
  const show = (deviceId: string, commandId: string): Promise<CommandBody> =>
    get(`/devices/${deviceId}/commands/${commandId}`);
  return {
    token,
    get,
    post,
    show,
    async give(deviceId, body) {
      const { status, body: given } = await post(`/devices/${deviceId}/commands`, body);
      if (status !== 202) throw new Error(`answered ${status}: ${JSON.stringify(given)}`);
      return given;
    },
    list: (deviceId) => get(`/devices/${deviceId}/commands`),
    reaches: (deviceId, commandId, status) =>
      eventually(async () => {
        const command = await show(deviceId, commandId);
        if (command.status !== status) throw new Error(`it is ${command.status}: ${JSON.stringify(command.history)}`);
        return command;
      }),
    fleet: (id) => get(`/fleet-commands/${id}`),
    fleetDevices: async (id) => (await get<{ devices: FleetDeviceBody[] }>(`/fleet-commands/${id}/devices`)).devices,
  };
}
