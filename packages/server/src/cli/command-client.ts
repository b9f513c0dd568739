import type {
  CommandBody,
  CommandListBody,
  FleetCommandBody,
  FleetDeviceBody,
  FleetPreviewBody,
  NewCommandBody,
  NewFleetCommandBody,
} from "@wattboard/protocol";
import { readControlFile } from "../access/control-file.ts";
import { Failure } from "../base/failure.ts";
import { type ApiTarget, apiTarget, requestApi } from "./request-api.ts";

/** A server that gives commands: the one of this machine's data folder, or one elsewhere. */
export class CommandClient {
  readonly #target: ApiTarget;

  private constructor(target: ApiTarget) {
    this.#target = target;
  }

  /** Throws a `Failure`, `no_server`. */
  static open({ dataDir, url }: { readonly dataDir: string; readonly url?: string | undefined }): CommandClient {
    if (url !== undefined) {
      const token = process.env.WATTBOARD_TOKEN ?? "";
      if (token !== "") return new CommandClient(apiTarget(url, token));
      throw new Failure(
        "no_server",
        "--url needs an API token with the operator role in WATTBOARD_TOKEN. Make one on the server's machine: wattboard api-token add NAME --role operator",
      );
    }
    const control = readControlFile(dataDir);
    if (control !== null) return new CommandClient(apiTarget(control.url, control.token, control.certificate));
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
    const path = `/fleet-commands/${encodeURIComponent(fleetCommandId)}/devices`;
    const devices: FleetDeviceBody[] = [];
    for (let query = ""; ; ) {
      const page = await this.#request<{ devices: FleetDeviceBody[]; next_cursor: string | null }>("GET", path + query);
      devices.push(...page.devices);
      if (page.next_cursor === null) return devices;
      query = `?cursor=${page.next_cursor}`;
    }
  }

  abortFleet(fleetCommandId: string): Promise<FleetCommandBody> {
    return this.#request("POST", `/fleet-commands/${encodeURIComponent(fleetCommandId)}/abort`);
  }

  #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    return requestApi(this.#target, method, path, body);
  }
}

function commandsOf(deviceId: string): string {
  return `/devices/${encodeURIComponent(deviceId)}/commands`;
}
