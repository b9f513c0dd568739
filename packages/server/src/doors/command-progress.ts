import type { CommandFrame } from "@wattboard/protocol";
import { commandBody } from "../commands/command-body.ts";
import type { CommandRecord } from "../commands/command-record.ts";
import type { StepListener } from "../commands/dispatcher.ts";
import type { Link } from "../link/link.ts";
import { Fanout } from "../telemetry/fanout.ts";

/** Tells dashboards each step of a device's commands; who may not know who has an account here is not told who gave them. */
export class CommandProgress implements StepListener {
  readonly #named = new Fanout();
  readonly #nameless = new Fanout();

  noteStep(record: CommandRecord): void {
    for (const [fanout, mayViewNames] of [
      [this.#named, true],
      [this.#nameless, false],
    ] as const) {
      if (!fanout.isWatched(record.deviceId)) continue;
      const frame: CommandFrame = { type: "command", command: commandBody(record, { mayViewNames }) };
      fanout.publish(record.deviceId, Buffer.from(JSON.stringify(frame)));
    }
  }

  subscribe(deviceId: string, subscriber: Link, mayViewNames: boolean): void {
    (mayViewNames ? this.#named : this.#nameless).subscribe(deviceId, subscriber);
  }

  unsubscribe(deviceId: string, subscriber: Link): void {
    for (const fanout of [this.#named, this.#nameless]) fanout.unsubscribe(deviceId, subscriber);
  }
}
