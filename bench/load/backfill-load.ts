import { randomUUID } from "node:crypto";
import { WebSocket } from "ws";
import { benchDeviceId, benchMessage, benchToken } from "./message.ts";

interface Frame {
  readonly type: string;
  readonly journal_id?: string;
  readonly pace?: { readonly backfill: number };
  readonly backfill?: number;
}

const samplesAFrame = 40;
const turnMs = 20;

/** Devices that bring back what they measured in an outage, each as fast as it is told, without an end. */
export class BackfillLoad {
  readonly #links: {
    readonly webSocket: WebSocket;
    readonly deviceId: string;
    pace: number;
    due: number;
    seq: number;
  }[] = [];
  readonly #timer: NodeJS.Timeout;
  /** A new one for each load: of one that the server knows, what comes again is passed over. */
  readonly #journalId = randomUUID();
  /** Samples that were sent. */
  sent = 0;

  private constructor() {
    this.#timer = setInterval(() => this.#send(), turnMs);
  }

  static async open(port: number, devices: number, firstDevice: number): Promise<BackfillLoad> {
    const load = new BackfillLoad();
    await Promise.all(Array.from({ length: devices }, (_, at) => load.#open(port, benchDeviceId(firstDevice + at))));
    return load;
  }

  close(): void {
    clearInterval(this.#timer);
    for (const { webSocket } of this.#links) webSocket.terminate();
  }

  #open(port: number, deviceId: string): Promise<void> {
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/ws/device/${deviceId}`, "wattboard.v1", {
      headers: { authorization: `Bearer ${benchToken}` },
    });
    const link = { webSocket, deviceId, pace: 0, due: 0, seq: 0 };
    this.#links.push(link);
    webSocket.once("open", () =>
      webSocket.send(
        JSON.stringify({ type: "hello", journal: { id: this.#journalId, first_seq: 1, last_seq: 4_000_000_000 } }),
      ),
    );
    return new Promise((resolve, reject) => {
      webSocket.once("error", reject);
      webSocket.on("message", (data) => {
        const frame = JSON.parse(String(data)) as Frame;
        link.pace = frame.pace?.backfill ?? (frame.type === "pace" ? (frame.backfill ?? 0) : link.pace);
        if (frame.journal_id !== undefined) resolve();
      });
    });
  }

  #send(): void {
    for (const link of this.#links) {
      link.due += (link.pace * turnMs) / 1_000;
      for (; link.due >= samplesAFrame; link.due -= samplesAFrame) {
        const samples = Array.from({ length: samplesAFrame }, () => this.#sample(link));
        link.webSocket.send(`{"type":"backfill","samples":[${samples.join(",")}]}`);
        this.sent += samplesAFrame;
      }
    }
  }

  #sample(link: { readonly deviceId: string; seq: number }): string {
    const seq = ++link.seq;
    const timestamp = new Date(Date.now() - 86_400_000 * 2 + seq * 1_000).toISOString();
    return `{"seq":${seq},${benchMessage(link.deviceId, timestamp).slice(1)}`;
  }
}
