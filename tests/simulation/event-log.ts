import { createHash } from "node:crypto";
import type { Timeline } from "./timeline.ts";

/** Lines that are shown of a failure. */
const keptMax = Number(process.env.SIMULATION_LINES ?? 300);

/** What happened in a world: the last of it as text, and all of it as a digest. */
export class EventLog {
  readonly #timeline: Timeline;
  readonly #digest = createHash("sha256");
  #lines: string[] = [];
  count = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  note(what: string): void {
    const line = `${(this.#timeline.nowMs / 1_000).toFixed(3).padStart(9)} s  ${what}`;
    this.#digest.update(`${line}\n`);
    this.count++;
    this.#lines.push(line);
    if (this.#lines.length > 2 * keptMax) this.#lines = this.#lines.slice(-keptMax);
  }

  /** The last of what happened. */
  get tail(): string {
    return this.#lines.slice(-keptMax).join("\n");
  }

  get digest(): string {
    return this.#digest.copy().digest("hex");
  }
}
