import type { AckFrame, Welcome } from "@wattboard/protocol";
import { expect } from "vitest";
import { eventually } from "./eventually.ts";
import { openSocket, type TestSocket } from "./sockets.ts";
import { sampleOf } from "./telemetry.ts";

/** A frame of the server. */
type Frame = { readonly type?: string } & Record<string, unknown>;

/** A device that speaks `wattboard.v1` and numbers its samples; what it does the test says, step by step. */
export class JournalDevice {
  readonly socket: TestSocket;
  readonly #deviceId: string;

  private constructor(socket: TestSocket, deviceId: string) {
    this.socket = socket;
    this.#deviceId = deviceId;
  }

  static async open(wsUrl: string, deviceId: string, token: string): Promise<JournalDevice> {
    const headers = { authorization: `Bearer ${token}` };
    const options = { headers, protocols: ["wattboard.v1"] };
    return new JournalDevice(await openSocket(`${wsUrl}/ws/device/${deviceId}`, options), deviceId);
  }

  /** Says hello, and waits for the welcome that answers it. */
  async hello(id: string, firstSeq: number, lastSeq: number): Promise<Welcome> {
    const before = this.framesOf("welcome").length;
    this.sendHello(id, firstSeq, lastSeq);
    return await eventually(() => {
      const welcome = this.framesOf("welcome")
        .slice(before)
        .find(({ journal_id }) => journal_id === id);
      expect(welcome).toBeDefined();
      return welcome as unknown as Welcome;
    });
  }

  sendHello(id: string, firstSeq: number, lastSeq: number): void {
    this.socket.send({ type: "hello", commands: {}, journal: { id, first_seq: firstSeq, last_seq: lastSeq } });
  }

  sendLive(seq: number, changes: Parameters<typeof sampleOf>[1] = {}): void {
    this.socket.send({ seq, ...this.sample(seq, new Date(), changes) });
  }

  /** As backfill: measured so many seconds ago, by their numbers. */
  sendBackfill(samples: readonly (readonly [seq: number, measuredAt: Date])[]): void {
    this.socket.send({ type: "backfill", samples: samples.map(([seq, at]) => ({ seq, ...this.sample(seq, at) })) });
  }

  sample(seq: number, at: Date, changes: Parameters<typeof sampleOf>[1] = {}): object {
    return sampleOf(this.#deviceId, { timestamp: at.toISOString(), solar: { power: seq }, ...changes });
  }

  framesOf(type: string): Frame[] {
    return this.socket.received.map((text) => JSON.parse(text) as Frame).filter((frame) => frame.type === type);
  }

  /** The newest ack, once it says that much. */
  async acked(seq: number, ranges?: [number, number][]): Promise<AckFrame> {
    return await eventually(() => {
      const ack = this.framesOf("ack").at(-1) as unknown as AckFrame | undefined;
      expect(ack).toEqual({ type: "ack", seq, ...(ranges !== undefined && { ranges }) });
      return ack as AckFrame;
    });
  }
}
