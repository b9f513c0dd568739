import { readFileSync } from "node:fs";
import { ManualClock } from "@wattboard/testing";
import { expect, test } from "vitest";
import { events, storedSamples } from "../../support/api.ts";
import { eventually } from "../../support/eventually.ts";
import { openSocket, type TestSocket } from "../../support/sockets.ts";
import { startServer, temporaryFolder } from "../../support/start-server.ts";

/**
 * Method: an author who has the wire reference and nothing else. The exchange under "Nothing lost" is said to a real server, byte for byte; what the
 * server answers is compared member by member, but for its own times, and for epochs, each of which must be the same wherever the page has the same.
 */

const page = readFileSync(new URL("../../../docs/reference/wire.md", import.meta.url), "utf8");

function exchange(): string[] {
  const [, text = ""] = /### A whole exchange\n.*?```\n(.*?)\n```/s.exec(page) ?? [];
  return text.split("\n").filter((line) => line !== "");
}

class Replay {
  readonly #clock = new ManualClock();
  readonly #dataDir = temporaryFolder();
  readonly #epochs = new Map<number, number>();
  server: Awaited<ReturnType<typeof startServer>> | undefined;
  #token = "";
  #socket: TestSocket | undefined;
  /** Frames of the server that the page has told. */
  #heard = 0;

  async start(): Promise<void> {
    this.server = await startServer({ clock: this.#clock, dataDir: this.#dataDir });
    this.#token ||= this.server.addDevice("ems_001");
  }

  async open(path: string, subprotocol: string): Promise<void> {
    const headers = { authorization: `Bearer ${this.#token}` };
    this.#socket = await openSocket(`${this.server?.wsUrl}${path}`, { headers, protocols: [subprotocol] });
    this.#heard = 0;
  }

  say(text: string): void {
    const { timestamp } = JSON.parse(text) as { timestamp?: string };
    // Live samples are sent as they are measured.
    if (timestamp !== undefined) {
      this.#clock.advance(Math.max(0, Date.parse(timestamp) - this.#clock.wallMs()));
    }
    this.#socket?.send(text);
  }

  async hear(text: string): Promise<void> {
    const told = JSON.parse(text) as Record<string, unknown>;
    await eventually(() => {
      this.#clock.advance(50);
      // That backfill has to wait for the welcome the page says in words. There may be acks that it does not have.
      const received = (this.#socket?.received ?? []).map((each) => JSON.parse(each));
      const frames = received.filter(({ type, backfill }) => type !== "pace" || backfill !== 0).slice(this.#heard);
      const at = told.type === "ack" ? frames.findIndex((each) => this.#isSame(told, each)) : 0;
      expect(frames[at === -1 ? frames.length - 1 : at]).toEqual(this.#translated(told, frames[at]));
      this.#heard += at + 1;
    });
  }

  /** The server ends the link, and is started again over what it has stored. */
  async restart(code: number, reason: string): Promise<void> {
    await this.server?.stop();
    expect(await this.#socket?.closed).toEqual({ code, reason });
    await this.start();
  }

  #isSame(told: object, said: object): boolean {
    return JSON.stringify(told) === JSON.stringify(said);
  }

  /** The page's frame, with the server's own time and epoch. */
  #translated(told: Record<string, unknown>, said: Record<string, unknown> = {}): object {
    if (typeof told.epoch !== "number") return told;
    const epoch = this.#epochs.get(told.epoch) ?? said.epoch;
    if (typeof epoch === "number") this.#epochs.set(told.epoch, epoch);
    return { ...told, epoch, server_time: expect.stringMatching(/^2026-01-31T12:\d\d:\d\d\.\d{3}Z$/) };
  }
}

test("the lossless exchange of the page is what a real server says, and what is stored after it is what the page says", async () => {
  const lines = exchange();
  expect(lines.length).toBeGreaterThan(12);
  const replay = new Replay();
  await replay.start();
  for (const line of lines) {
    const [, path = "", subprotocol = ""] = /^GET (\S+), Sec-WebSocket-Protocol: (\S+)$/.exec(line) ?? [];
    const [, speaker = "", text = ""] = /^(device → server|server → device) {3}(\{.*)$/.exec(line) ?? [];
    const [, code = "", reason = ""] = /^server → device {3}close (\d+) (.*)$/.exec(line) ?? [];
    if (path !== "") await replay.open(path, subprotocol);
    else if (code !== "") await replay.restart(Number(code), reason);
    else if (speaker === "device → server") replay.say(text);
    else if (speaker === "server → device") await replay.hear(text);
    else throw new Error(`The page has a line that says nothing: ${line}`);
  }
  const server = replay.server;
  if (server === undefined) throw new Error("There is no server.");
  const range = "from=2026-01-31T11:00:00Z&to=2026-01-31T13:00:00Z";
  const stored = await storedSamples(server, "ems_001", range);
  expect(stored.map(({ telemetry }) => telemetry.timestamp)).toEqual(
    [1, 2, 3, 4, 6].map((second) => `2026-01-31T12:00:0${second}.000Z`),
  );
  const lost = (await events(server)).filter(({ kind }) => kind === "samples_lost");
  expect(lost.map(({ message }) => message)).toEqual([
    "ems_001 may have lost 1 sample: its journal could not be read.",
  ]);
});
