import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { CancelTimer, Clock } from "../base/clock.ts";

const lookMs = 10 * 60_000;

/** Until when the certificate in a file holds: read now and then, and off the event loop, since it is renewed while the server runs. */
export class CertificateWatch {
  readonly #path: string;
  readonly #stop: CancelTimer;
  /** Null where there is none, or it cannot be read. */
  untilMs: number | null = null;

  /** `path`: empty where the server speaks no TLS. */
  constructor(clock: Clock, path: string) {
    this.#path = path;
    this.#stop = path === "" ? () => {} : clock.every(lookMs, () => void this.#look());
    if (path !== "") void this.#look();
  }

  stop(): void {
    this.#stop();
  }

  async #look(): Promise<void> {
    try {
      this.untilMs = new X509Certificate(await readFile(this.#path)).validToDate.getTime();
    } catch {
      this.untilMs = null;
    }
  }
}
