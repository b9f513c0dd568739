import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { eventually } from "@wattboard/testing";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";

type Frame = Readonly<Record<string, unknown>>;
type Range = readonly [from: number, to: number];

/** A sample as it came, live or in backfill; `n` is what the test gave it as `solar.power`. */
export interface ReceivedSample {
  readonly seq: number;
  readonly n: number;
  readonly timestamp: string;
  readonly lane: "live" | "backfill";
  readonly text: string;
}

interface WelcomeOptions {
  readonly durableSeq?: number;
  readonly ranges?: readonly Range[];
  /** Samples of backfill a second. */
  readonly pace?: number;
  readonly frameBytes?: number;
  readonly epoch?: number;
}

/** One link of a device; it does what the test says, and nothing else but the welcome of the link. */
export class ScriptedLink {
  readonly request: IncomingMessage;
  /** All that came, in its order. */
  readonly texts: string[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly #socket: WebSocket;

  constructor(request: IncomingMessage, socket: WebSocket) {
    this.request = request;
    this.#socket = socket;
    socket.on("message", (data) => this.texts.push(String(data)));
    socket.on("error", () => {});
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
  }

  /** Messages with this `type`; those without one are `telemetry`. */
  frames(type: string): Frame[] {
    return this.texts.map((text) => JSON.parse(text) as Frame).filter((frame) => (frame.type ?? "telemetry") === type);
  }

  get samples(): ReceivedSample[] {
    return this.texts.flatMap((text) => {
      const frame = JSON.parse(text) as Frame;
      if (frame.type === undefined) return [sampleOf(frame, "live", text)];
      if (frame.type !== "backfill") return [];
      return (frame.samples as Frame[]).map((each) => sampleOf(each, "backfill", text));
    });
  }

  seqs(lane: ReceivedSample["lane"]): number[] {
    return this.samples.filter((each) => each.lane === lane).map(({ seq }) => seq);
  }

  /** Numbers that were declared to be lost, ascending. */
  get gaps(): number[] {
    const seqs = this.frames("gap").flatMap(({ from_seq, to_seq }) => numbers(from_seq as number, to_seq as number));
    return seqs.sort((a, b) => a - b);
  }

  async hello(): Promise<Frame & { readonly journal: { id: string; first_seq: number; last_seq: number } }> {
    return await eventually(() => {
      const [hello] = this.frames("hello");
      if (hello === undefined) throw new Error("no hello yet");
      return hello as never;
    });
  }

  /** Answers the hello: what is durable of its journal. */
  async welcome({ durableSeq = 0, ranges = [], pace = 100, frameBytes = 16_384, epoch = 7 }: WelcomeOptions = {}) {
    const { journal } = await this.hello();
    this.send({
      type: "welcome",
      server_time: new Date().toISOString(),
      epoch,
      journal_id: journal.id,
      durable_seq: durableSeq,
      durable_ranges: ranges,
      pace: { backfill: pace },
      limits: { frame_bytes: frameBytes, messages_per_second: 50 },
    });
  }

  ack(seq: number, ranges?: readonly Range[]): void {
    this.send({ type: "ack", seq, ...(ranges !== undefined && { ranges }) });
  }

  send(frame: object | string | Buffer): void {
    this.#socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  close(code: number, reason = ""): void {
    this.#socket.close(code, reason);
  }

  cut(): void {
    this.#socket.terminate();
  }

  /** Resolves when all that was sent before has come: the answer to a ping comes behind it. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#socket.once("pong", () => resolve());
      this.#socket.ping();
    });
  }
}

export interface ScriptedServer {
  readonly url: string;
  readonly links: ScriptedLink[];
  /** While set, handshakes get this HTTP answer instead of a link. */
  answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | undefined;
  /** Which tokens get a link; others get 403. By default all do. */
  knows: (token: string) => boolean;
  /** Handshakes that were tried. */
  attempts: number;
  /** The next link that opens, or the one after `skip` more that have. */
  link(index: number): Promise<ScriptedLink>;
}

/** A WebSocket server on a free port that lets everybody in, and does nothing by itself; it ends with the test. */
export async function startScriptedServer({
  speaksSubprotocol = true,
  answersPings = true,
} = {}): Promise<ScriptedServer> {
  const http = createServer();
  const sockets = new WebSocketServer({
    noServer: true,
    autoPong: answersPings,
    handleProtocols: () => (speaksSubprotocol ? "wattboard.v1" : false),
  });
  const streams = new Set<Socket>();
  const server: ScriptedServer = {
    url: "",
    links: [],
    answer: undefined,
    knows: () => true,
    attempts: 0,
    link: (index) =>
      eventually(
        () => {
          const link = server.links[index];
          if (link === undefined) throw new Error(`only ${server.links.length} links yet`);
          return link;
        },
        { withinMs: 20_000 },
      ),
  };
  http.on("connection", (stream) => {
    streams.add(stream);
    stream.on("close", () => streams.delete(stream));
  });
  http.on("upgrade", (request, stream: Socket, head) => {
    server.attempts++;
    const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
    const answer = server.answer ?? (server.knows(token) ? undefined : { status: 403 });
    if (answer !== undefined) {
      const headers = Object.entries(answer.headers ?? {}).map(([name, value]) => `${name}: ${value}\r\n`);
      stream.end(`HTTP/1.1 ${answer.status} No\r\nContent-Length: 0\r\n${headers.join("")}\r\n`);
      return;
    }
    sockets.handleUpgrade(request, stream, head, (socket) => {
      const link = new ScriptedLink(request, socket);
      server.links.push(link);
      const epoch = server.links.length;
      if (speaksSubprotocol) link.send({ type: "welcome", server_time: new Date().toISOString(), epoch });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const stream of streams) stream.destroy();
    await new Promise((resolve) => http.close(resolve));
  });
  return Object.assign(server, { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}` });
}

/** `from` to `to`, both included. */
export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function sampleOf(frame: Frame, lane: ReceivedSample["lane"], text: string): ReceivedSample {
  const { seq, timestamp, solar } = frame as { seq: number; timestamp: string; solar: { power: number } };
  return { seq, timestamp, n: solar.power, lane, text };
}
