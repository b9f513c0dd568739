import type { CommandFrame } from "@wattboard/protocol";
import { commandBody } from "../commands/command-body.ts";
import type { CommandRecord } from "../commands/command-record.ts";
import type { StepListener } from "../commands/dispatcher.ts";
import type { Fanout } from "../telemetry/fanout.ts";

/** Tells dashboards each step of a device's commands; who may not know who has an account here is not told who gave them. */
export class CommandProgress implements StepListener {
  readonly #fanout: Fanout;

  constructor(fanout: Fanout) {
    this.#fanout = fanout;
  }

  noteStep(record: CommandRecord): void {
    if (!this.#fanout.hasStream(record.deviceId)) return;
    const frameFor = (mayViewNames: boolean): Buffer => {
      const frame: CommandFrame = { type: "command", command: commandBody(record, { mayViewNames }) };
      return Buffer.from(JSON.stringify(frame));
    };
    this.#fanout.tell(record.deviceId, frameFor(true), frameFor(false));
  }
}
