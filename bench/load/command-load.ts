import { setTimeout as sleep } from "node:timers/promises";
import { connectDevice, type Device } from "@wattboard/device";
import { type CommandBody, type CommandStatus, hasEnded } from "@wattboard/protocol";
import { WebSocket } from "ws";
import { until } from "../measure/until.ts";
import { CommandGiver } from "./command-giver.ts";
import { benchDeviceId, benchToken } from "./message.ts";

/** Over so many sockets the commands are given, in turn. */
const sockets = 8;
const endWithinMs = 60_000;

/** A command that was given, and when its steps were heard of, ms after it was asked for. */
export interface Given {
  readonly atMs: number;
  acceptedMs: number | null;
  endedMs: number | null;
  status: CommandStatus;
}

export interface CommandLoadOptions {
  readonly api: { readonly url: string; readonly token: string };
  readonly devices: number;
}

/**
 * Devices with the real SDK, one sample a second each, which do at once what they are told and show it in the next sample; for each a dashboard
 * that is told samples and commands. Both in this thread, hence one clock.
 */
export class CommandLoad {
  readonly #url: string;
  readonly #giver: CommandGiver;
  readonly #devices: Device[] = [];
  readonly #dashboards: WebSocket[] = [];
  readonly #given = new Map<string, Given>();
  #onEnded: () => void = () => {};
  #number = 0;

  private constructor(url: string, giver: CommandGiver) {
    this.#url = url;
    this.#giver = giver;
  }

  static async open({ api, devices }: CommandLoadOptions): Promise<CommandLoad> {
    const load = new CommandLoad(api.url, await CommandGiver.open(api, sockets));
    for (let index = 0; index < devices; index++) {
      load.#openDevice(index);
      load.#openDashboard(index);
      // One after another: each device gets its own moment within the second.
      await sleep(1_000 / devices);
    }
    await until(
      () =>
        load.#devices.every(({ status }) => status.state === "online") &&
        load.#dashboards.every(({ readyState }) => readyState === WebSocket.OPEN),
      () => "Not all devices and dashboards got through.",
    );
    return load;
  }

  /** One command after another, to one device after another; resolves when all have ended. */
  async giveSteadily(count: number, perSecond: number): Promise<readonly Given[]> {
    const given: Given[] = [];
    for (let index = 0; index < count; index++) {
      given.push(this.#give(index % this.#devices.length));
      await sleep(1_000 / perSecond);
    }
    await this.#untilEnded();
    return given;
  }

  /** One command to every device, all written at once; resolves when all have ended. */
  async giveAll(): Promise<readonly Given[]> {
    const given = this.#devices.map((_, index) => this.#give(index));
    await this.#untilEnded();
    return given;
  }

  async close(): Promise<void> {
    this.#giver.close();
    for (const dashboard of this.#dashboards) dashboard.terminate();
    await Promise.all(this.#devices.map((device) => device.stop()));
  }

  #give(index: number): Given {
    const number = ++this.#number;
    const commandId = `cmd_${number}`;
    const given: Given = { atMs: performance.now(), acceptedMs: null, endedMs: null, status: "queued" };
    this.#given.set(commandId, given);
    const body = {
      command_id: commandId,
      action: "SET_MODE",
      payload: { target_mode: "MANUAL_CHARGE", target_power: number },
    };
    // Refused, it rejects unhandled, which ends the bench.
    void this.#giver.post(`/api/v1/devices/${benchDeviceId(index)}/commands`, JSON.stringify(body));
    return given;
  }

  #untilEnded(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.#given.size} commands have not ended.`)), endWithinMs);
      this.#onEnded = () => {
        if (this.#given.size > 0) return;
        clearTimeout(timer);
        this.#onEnded = () => {};
        resolve();
      };
      this.#onEnded();
    });
  }

  #openDevice(index: number): void {
    let target: { target_mode: "AUTO" | "MANUAL_CHARGE" | "MANUAL_DISCHARGE" | "MANUAL_IDLE"; target_power?: number } =
      {
        target_mode: "AUTO",
      };
    const device = connectDevice({
      url: this.#url,
      deviceId: benchDeviceId(index),
      token: benchToken,
      journal: false,
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
      }),
    });
    this.#devices.push(device);
  }

  #openDashboard(index: number): void {
    const address = `${this.#url.replace("http", "ws")}/ws/dashboard/${benchDeviceId(index)}`;
    const dashboard = new WebSocket(address, "wattboard.v1", { perMessageDeflate: false });
    dashboard.on("message", (data: Buffer) => {
      const nowMs = performance.now();
      // Samples are not parsed.
      if (!data.subarray(0, 20).includes('"type":"command"')) return;
      const frame: { readonly command: CommandBody } = JSON.parse(data.toString());
      this.#note(frame.command, nowMs);
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
    this.#onEnded();
  }
}
