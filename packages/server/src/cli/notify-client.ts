import type {
  ChannelsBody,
  FailingChannelsBody,
  MaintenanceWindowBody,
  MaintenanceWindowsBody,
  NewMaintenanceWindowBody,
  NotificationBody,
  NotificationsBody,
} from "@wattboard/protocol";
import { Failure } from "../base/failure.ts";
import { type Api, requestJson } from "./api.ts";
import { type ApiTarget, apiElsewhere, runningApi } from "./open-api.ts";

/** A server that tells people: the one of this machine's data folder, or one elsewhere. */
export class NotifyClient {
  readonly #api: Api;

  private constructor(api: Api) {
    this.#api = api;
  }

  /** Throws a `Failure`, `no_server`. */
  static open({ dataDir, url }: ApiTarget): NotifyClient {
    const api = url === undefined ? runningApi(dataDir) : apiElsewhere(url, "admin");
    if (api !== null) return new NotifyClient(api);
    throw new Failure(
      "no_server",
      `No server runs on ${dataDir}, and without one nobody is told of anything. Start it: wattboard serve --data-dir ${dataDir}`,
    );
  }

  async notifications(person: string | undefined, limit: number): Promise<readonly NotificationBody[]> {
    const whose = person === undefined ? "" : `/people/${encodeURIComponent(person)}`;
    return (await this.#request<NotificationsBody>("GET", `${whose}/notifications?limit=${limit}`)).notifications;
  }

  async channels(person: string): Promise<ChannelsBody["channels"]> {
    return (await this.#request<ChannelsBody>("GET", `/people/${encodeURIComponent(person)}/channels`)).channels;
  }

  async failing(): Promise<FailingChannelsBody["channels"]> {
    return (await this.#request<FailingChannelsBody>("GET", "/notifications/failing")).channels;
  }

  test(person: string, channelId: string): Promise<NotificationBody> {
    const channel = `/people/${encodeURIComponent(person)}/channels/${encodeURIComponent(channelId)}`;
    return this.#request("POST", `${channel}/test`);
  }

  async windows(): Promise<MaintenanceWindowsBody["windows"]> {
    return (await this.#request<MaintenanceWindowsBody>("GET", "/maintenance-windows")).windows;
  }

  beginWindow(body: NewMaintenanceWindowBody): Promise<MaintenanceWindowBody> {
    return this.#request("POST", "/maintenance-windows", body);
  }

  endWindow(windowId: string): Promise<MaintenanceWindowBody> {
    return this.#request("POST", `/maintenance-windows/${encodeURIComponent(windowId)}/end`);
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  #request<T>(method: string, path: string, body?: object): Promise<T> {
    return requestJson(this.#api, method, path, body);
  }
}

/** Opens it for one task. */
export async function withNotify<T>(target: ApiTarget, task: (client: NotifyClient) => Promise<T>): Promise<T> {
  const client = NotifyClient.open(target);
  try {
    return await task(client);
  } finally {
    await client.close();
  }
}
