import type {
  AlarmBody,
  AlarmDetailBody,
  AlarmDeviceBody,
  AlarmRuleBody,
  AlarmRuleChangeBody,
  AlarmRulesBody,
  AlarmsBody,
  AlarmTrialBody,
  NewAlarmRuleBody,
} from "@wattboard/protocol";
import type { Role } from "../access/principal.ts";
import { Failure } from "../base/failure.ts";
import { type Api, followProgress, pagesOf, requestJson } from "./api.ts";
import { type ApiTarget, apiElsewhere, runningApi } from "./open-api.ts";

interface AlarmDevices {
  readonly devices: readonly AlarmDeviceBody[];
  readonly next_cursor: string | null;
}

/** A server that rings: the one of this machine's data folder, or one elsewhere. */
export class AlarmClient {
  readonly #api: Api;

  private constructor(api: Api) {
    this.#api = api;
  }

  /** Throws a `Failure`, `no_server`. */
  static open({ dataDir, url }: ApiTarget, role: Role): AlarmClient {
    const api = url === undefined ? runningApi(dataDir) : apiElsewhere(url, role);
    if (api !== null) return new AlarmClient(api);
    throw new Failure(
      "no_server",
      `No server runs on ${dataDir}, and without one nothing rings. Start it: wattboard serve --data-dir ${dataDir}`,
    );
  }

  /** As many as `limit`; the open ones first. */
  async list(query: URLSearchParams, limit: number): Promise<AlarmBody[]> {
    query.set("limit", String(Math.min(limit, 200)));
    const alarms: AlarmBody[] = [];
    for await (const page of pagesOf<AlarmsBody>(this.#api, `/alarms?${query}`)) {
      alarms.push(...page.alarms);
      if (alarms.length >= limit) break;
    }
    return alarms.slice(0, limit);
  }

  show(alarmId: string): Promise<AlarmDetailBody> {
    return this.#request("GET", pathOf(alarmId));
  }

  async listDevices(alarmId: string): Promise<AlarmDeviceBody[]> {
    const devices: AlarmDeviceBody[] = [];
    for await (const page of pagesOf<AlarmDevices>(this.#api, `${pathOf(alarmId)}/devices?limit=1000`)) {
      devices.push(...page.devices);
    }
    return devices;
  }

  acknowledge(alarmId: string, note: string | undefined): Promise<AlarmDetailBody> {
    return this.#request("POST", `${pathOf(alarmId)}/acknowledge`, note === undefined ? {} : { note });
  }

  snooze(alarmId: string, until: string, note: string | undefined): Promise<AlarmDetailBody> {
    return this.#request("POST", `${pathOf(alarmId)}/snooze`, { until, ...(note !== undefined && { note }) });
  }

  async listRules(): Promise<readonly AlarmRuleBody[]> {
    return (await this.#request<AlarmRulesBody>("GET", "/alarm-rules")).rules;
  }

  addRule(rule: NewAlarmRuleBody): Promise<AlarmRuleBody> {
    return this.#request("POST", "/alarm-rules", rule);
  }

  changeRule(ruleId: string, change: AlarmRuleChangeBody): Promise<AlarmRuleBody> {
    return this.#request("PATCH", `/alarm-rules/${encodeURIComponent(ruleId)}`, change);
  }

  removeRule(ruleId: string): Promise<AlarmRuleBody> {
    return this.#request("DELETE", `/alarm-rules/${encodeURIComponent(ruleId)}`);
  }

  tryRule(rule: NewAlarmRuleBody, query: URLSearchParams, progress: (share: number) => void): Promise<AlarmTrialBody> {
    return followProgress(this.#api, "POST", `/alarm-rules/try?${query}`, progress, rule);
  }

  #request<T>(method: string, path: string, body?: unknown): Promise<T> {
    return requestJson<T>(this.#api, method, path, body);
  }
}

function pathOf(alarmId: string): string {
  return `/alarms/${encodeURIComponent(alarmId)}`;
}
