import { connectDevice, type Device } from "@wattboard/device";
import { type CommandBody, type CommandStatus, hasEnded } from "@wattboard/protocol";
import { WebSocket } from "ws";
import { until } from "../measure/until.ts";
import { benchDeviceId, benchToken } from "./message.ts";

const postsAtOnce = 64;

/** A command that was given, and when its steps were heard of, ms after it was asked for. */
export interface Given {
  readonly atMs: number;
  acceptedMs: number | null;
  endedMs: number | null;
  status: CommandStatus;
}

/**
 * Devices with the real SDK, one sample a second each, which do at once what they are told and show it in the next sample; for each a dashboard
 * that is told samples and commands. Both in this process, hence one clock.
 */
export class CommandLoad {
  readonly #api: { readonly url: string; readonly token: string };
  readonly #devices: Device[] = [];
  readonly #dashboards: WebSocket[] = [];
  readonly #given = new Map<string, Given>();
  #latenciesMs: number[] = [];
  #number = 0;

  private constructor(api: { readonly url: string; readonly token: string }) {
    this.#api = api;
  }

  static async open(api: { readonly url: string; readonly token: string }, count: number): Promise<CommandLoad> {
    const load = new CommandLoad(api);
    for (let index = 0; index < count; index++) {
      load.#openDevice(index);
      load.#openDashboard(index);
      // One after another: each device gets its own moment within the second.
      await new Promise((resolve) => setTimeout(resolve, 1_000 / count));
    }
    await until(
      () =>
        load.#devices.every(({ status }) => status.state === "online") &&
        load.#dashboards.every(({ readyState }) => readyState === WebSocket.OPEN),
      () => "Not all devices and dashboards got through.",
    );
    return load;
  }

  /** Gives one command, and resolves when it is taken. */
  async give(index: number): Promise<Given> {
    const number = ++this.#number;
    const commandId = `cmd_${number}`;
    const given: Given = { atMs: performance.now(), acceptedMs: null, endedMs: null, status: "queued" };
    this.#given.set(commandId, given);
    const answer = await fetch(`${this.#api.url}/api/v1/devices/${benchDeviceId(index)}/commands`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#api.token}`, "content-type": "application/json" },
      body: JSON.stringify({
        command_id: commandId,
        action: "SET_MODE",
        payload: { target_mode: "MANUAL_CHARGE", target_power: number },
      }),
    });
    if (answer.status !== 202) throw new Error(`A command was answered ${answer.status}: ${await answer.text()}`);
    await answer.arrayBuffer();
    return given;
  }

  /** One command to every device, as many at once as a client's connections allow; resolves when all have ended. */
  async giveAll(): Promise<readonly Given[]> {
    const all: Promise<Given>[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < this.#devices.length) {
        const given = this.give(next++);
        all.push(given);
        await given;
      }
    };
    await Promise.all(Array.from({ length: postsAtOnce }, lane));
    const given = await Promise.all(all);
    await until(
      () => given.every(({ endedMs }) => endedMs !== null),
      () => `${given.filter(({ endedMs }) => endedMs === null).length} commands have not ended.`,
    );
    return given;
  }

  /** From the device's `send` until its dashboard has it, of every sample since the last call. */
  takeLatenciesMs(): number[] {
    const taken = this.#latenciesMs;
    this.#latenciesMs = [];
    return taken;
  }

  async close(): Promise<void> {
    for (const dashboard of this.#dashboards) dashboard.terminate();
    await Promise.all(this.#devices.map((device) => device.stop()));
  }

  #openDevice(index: number): void {
    let target: { target_mode: "AUTO" | "MANUAL_CHARGE" | "MANUAL_DISCHARGE" | "MANUAL_IDLE"; target_power?: number } =
      {
        target_mode: "AUTO",
      };
    const device = connectDevice({
      url: this.#api.url,
      deviceId: benchDeviceId(index),
      token: benchToken,
      log: () => {},
      onCommand(command) {
        if (command.action === "SET_MODE") target = command.payload;
      },
      read: () => ({
        system_status: {
          state: "CHARGING",
          mode: target.target_mode === "AUTO" ? "AUTO" : "MANUAL",
          error_flags: [],
          target_mode: target.target_mode,
          target_power: target.target_power ?? null,
        },
        battery: { voltage: 53.24, current: 10.52, power: 558.63, soc: 85.25 },
        bench: { sent: performance.now() },
      }),
    });
    this.#devices.push(device);
  }

  #openDashboard(index: number): void {
    const address = `${this.#api.url.replace("http", "ws")}/ws/dashboard/${benchDeviceId(index)}`;
    const dashboard = new WebSocket(address, "wattboard.v1", { perMessageDeflate: false });
    dashboard.on("message", (data) => {
      const nowMs = performance.now();
      const frame = JSON.parse(String(data));
      if (frame.type === "command") this.#note(frame.command, nowMs);
      else this.#latenciesMs.push(nowMs - frame.bench.sent);
    });
    this.#dashboards.push(dashboard);
  }

  #note({ command_id, status }: CommandBody, nowMs: number): void {
    const given = this.#given.get(command_id);
    if (given === undefined) return;
    given.status = status;
    if (status === "accepted") given.acceptedMs = nowMs - given.atMs;
    if (!hasEnded(status)) return;
    given.endedMs = nowMs - given.atMs;
    this.#given.delete(command_id);
  }
}
