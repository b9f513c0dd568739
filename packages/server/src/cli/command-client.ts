import type {
  CommandBody,
  CommandListBody,
  FleetCommandBody,
  FleetDeviceBody,
  FleetPreviewBody,
  NewCommandBody,
  NewFleetCommandBody,
} from "@wattboard/protocol";
import { Failure } from "../base/failure.ts";
import { type Api, pagesOf, requestJson } from "./api.ts";
import { type ApiTarget, apiElsewhere, runningApi } from "./open-api.ts";

interface FleetDevices {
  readonly devices: readonly FleetDeviceBody[];
  readonly next_cursor: string | null;
}

/** A server that gives commands: the one of this machine's data folder, or one elsewhere. */
export class CommandClient {
  readonly #api: Api;

  private constructor(api: Api) {
    this.#api = api;
  }

  /** Throws a `Failure`, `no_server`. */
  static open({ dataDir, url }: ApiTarget): CommandClient {
    const api = url === undefined ? runningApi(dataDir) : apiElsewhere(url, "operator");
    if (api !== null) return new CommandClient(api);
    throw new Failure(
      "no_server",
      `No server runs on ${dataDir}, and a command needs one to reach its device. Start it: wattboard serve --data-dir ${dataDir}`,
    );
  }

  send(deviceId: string, body: NewCommandBody): Promise<CommandBody> {
    return this.#request("POST", `${commandsOf(deviceId)}`, body);
  }

  list(deviceId: string, limit: number): Promise<CommandListBody> {
    return this.#request("GET", `${commandsOf(deviceId)}?limit=${limit}`);
  }

  show(deviceId: string, commandId: string): Promise<CommandBody> {
    return this.#request("GET", `${commandsOf(deviceId)}/${encodeURIComponent(commandId)}`);
  }

  preview(body: NewFleetCommandBody): Promise<FleetPreviewBody> {
    return this.#request("POST", "/fleet-commands", { ...body, dry_run: true });
  }

  begin(body: NewFleetCommandBody): Promise<FleetCommandBody> {
    return this.#request("POST", "/fleet-commands", body);
  }

  async listFleet(): Promise<readonly FleetCommandBody[]> {
    return (await this.#request<{ fleet_commands: FleetCommandBody[] }>("GET", "/fleet-commands")).fleet_commands;
  }

  showFleet(fleetCommandId: string): Promise<FleetCommandBody> {
    return this.#request("GET", `/fleet-commands/${encodeURIComponent(fleetCommandId)}`);
  }

  async listFleetDevices(fleetCommandId: string): Promise<readonly FleetDeviceBody[]> {
    const path = `/fleet-commands/${encodeURIComponent(fleetCommandId)}/devices?limit=1000`;
    const devices: FleetDeviceBody[] = [];
    for await (const page of pagesOf<FleetDevices>(this.#api, path)) devices.push(...page.devices);
    return devices;
  }

  abortFleet(fleetCommandId: string): Promise<FleetCommandBody> {
    return this.#request("POST", `/fleet-commands/${encodeURIComponent(fleetCommandId)}/abort`);
  }

  #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    return requestJson<T>(this.#api, method, path, body);
  }
}

function commandsOf(deviceId: string): string {
  return `/devices/${encodeURIComponent(deviceId)}/commands`;
}
