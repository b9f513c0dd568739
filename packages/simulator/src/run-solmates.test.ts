import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "@wattboard/device";
import { eventually } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { runSolMates } from "./run-solmates.ts";
import type { SolMateFleetSettings } from "./solmate-fleet.ts";
import { formatSolMateStatus, type SolMateStatus } from "./solmate-status.ts";

interface Link {
  readonly socket: WebSocket;
  readonly path: string | undefined;
  readonly protocol: string | undefined;
  readonly authorization: string | undefined;
  /** The messages within the frames. */
  readonly messages: string[];
  open: boolean;
}

type Answer = "OK" | "ERROR" | "silence";

/** A door as the documents describe it, on a free port or on `port`; `answer` says what it thinks of a message. */
async function startDoor({ answer = () => "OK", port = 0, status }: DoorOptions = {}) {
  const links: Link[] = [];
  const http = createServer();
  const webSockets = new WebSocketServer({ noServer: true });
  http.on("upgrade", (request, stream, head) => {
    if (status !== undefined) {
      stream.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    webSockets.handleUpgrade(request, stream, head, (socket) => {
      const { "sec-websocket-protocol": protocol, authorization } = request.headers;
      const link: Link = { socket, path: request.url, protocol, authorization, messages: [], open: true };
      links.push(link);
      socket.send('{"type": "INFO", "message": "Welcome"}');
      socket.on("message", (data) => {
        const { message } = JSON.parse(String(data)) as { message: string };
        link.messages.push(message);
        const verdict = answer(message);
        if (verdict !== "silence") socket.send(`{"type": "INFO", "message": "${message.slice(0, 9)}:${verdict}"}`);
      });
      socket.on("close", () => {
        link.open = false;
      });
    });
  });
  await new Promise<void>((resolve) => http.listen(port, "127.0.0.1", resolve));
  const stop = () => {
    webSockets.close();
    http.closeAllConnections();
    for (const { socket } of links) socket.terminate();
    return new Promise((resolve) => http.close(resolve));
  };
  onTestFinished(async () => {
    await stop();
  });
  const at = (http.address() as AddressInfo).port;
  return { links, port: at, url: `http://127.0.0.1:${at}`, stop };
}

interface DoorOptions {
  readonly answer?: (message: string) => Answer;
  readonly port?: number;
  readonly status?: number;
}

/** On this clock a second passes in 10 ms. */
const fastClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now() * 100,
  setTimeout: (run, delayMs) => setTimeout(run, delayMs / 100),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

function start(url: string, more: Partial<SolMateFleetSettings> = {}, clock = fastClock) {
  const abort = new AbortController();
  const statuses: SolMateStatus[] = [];
  const ended = runSolMates({
    url,
    devices: 3,
    behaviour: "sine",
    valueMax: 400,
    sleepMinS: 1,
    sleepMaxS: 2,
    seed: 1,
    clock,
    ...more,
    signal: abort.signal,
    onStatus: (status) => statuses.push(status),
  });
  const stop = async () => {
    abort.abort();
    await ended;
  };
  onTestFinished(stop);
  return { statuses, stop, ended };
}

const headsOf = ({ messages }: Link) => messages.map((message) => message.slice(0, 9));

describe("runSolMates", () => {
  test("connects every SolMate to the door without a subprotocol, and each counts its own messages", async () => {
    const door = await startDoor();
    const { statuses } = start(door.url, { devices: 12 });
    await eventually(() => {
      expect(door.links).toHaveLength(12);
      for (const { messages } of door.links) expect(messages.length).toBeGreaterThan(3);
    });
    door.links.forEach((link, index) => {
      const serial = String(index + 1).padStart(4, "0");
      expect([link.path, link.protocol, link.authorization]).toEqual(["/update/", undefined, undefined]);
      expect(headsOf(link).slice(0, 3)).toEqual([`0000:${serial}`, `0001:${serial}`, `0002:${serial}`]);
    });
    await eventually(() => {
      // On this clock an answer is late after 50 ms, which a busy machine needs at times.
      expect(statuses.at(-1)).toMatchObject({ devices: 12, connected: 12, errors: 0, trouble: null });
      expect(statuses.at(-1)?.ok).toBeGreaterThan(30);
    });
  });

  test("takes the door's whole address, serial numbers from where it is told, and tokens", async () => {
    const door = await startDoor();
    const tokens = new Map([["0900", "the token of 0900"]]);
    start(`${door.url.replace("http", "ws")}/elsewhere/update/`, { devices: 1, firstSerial: 900, tokens });
    await eventually(() => expect(door.links[0]?.messages[0]).toMatch(/^0000:0900:\{"battery":/));
    expect(door.links[0]).toMatchObject({ path: "/elsewhere/update/", authorization: "Bearer the token of 0900" });
  });

  test("counts ERROR, and sends everything again until it is taken", async () => {
    let isKnown = false;
    const door = await startDoor({ answer: () => (isKnown ? "OK" : "ERROR") });
    const { statuses } = start(door.url, { devices: 1 });
    await eventually(() => expect(statuses.at(-1)?.errors).toBeGreaterThan(3));
    expect(statuses.at(-1)?.trouble).toMatch(/ERROR to 0001: is this serial number registered/);
    for (const message of door.links[0]?.messages ?? []) expect(message).toContain('"software_version"');
    isKnown = true;
    await eventually(() => expect(door.links[0]?.messages.at(-1)).not.toContain('"software_version"'));
    await eventually(() => expect(statuses.at(-1)?.trouble).toBeNull());
    expect(door.links).toHaveLength(1);
  });

  test("has one message on its way at a time, waits 5 s for its answer, and ends a link that answers no more", async () => {
    const door = await startDoor({ answer: () => "silence" });
    const delaysMs: number[] = [];
    const clock: Clock = {
      ...fastClock,
      setTimeout(run, delayMs) {
        delaysMs.push(delayMs);
        return fastClock.setTimeout(run, delayMs);
      },
    };
    const { statuses } = start(door.url, { devices: 1, sleepMinS: 0.1, sleepMaxS: 0.2 }, clock);
    await eventually(() => expect(door.links).toHaveLength(2));
    // Some hundred changes and three messages: the next one goes when the wait for an answer is over. All other timers are short.
    expect(door.links[0]?.messages).toHaveLength(3);
    const waitsMs = delaysMs.filter((delayMs) => delayMs > 1_000);
    expect(waitsMs.slice(0, 4)).toEqual([
      5_000,
      5_000,
      5_000,
      expect.toSatisfy((ms: number) => ms > 5_000 && ms < 6_000),
    ]);
    expect(door.links[0]?.open).toBe(false);
    await eventually(() => expect(statuses.at(-1)?.unanswered).toBeGreaterThanOrEqual(3));
    expect(statuses.at(-1)?.trouble).toMatch(/not answered 3 messages in a row/);
  });

  test("comes back when the server was away, counts on, and sends everything again", async () => {
    const door = await startDoor();
    const { statuses } = start(door.url, { devices: 2 });
    await eventually(() => {
      for (const { messages } of door.links) expect(messages.length).toBeGreaterThan(2);
      expect(door.links).toHaveLength(2);
    });
    await door.stop();
    await eventually(() => expect(statuses.at(-1)).toMatchObject({ connected: 0, trouble: expect.any(String) }));
    const again = await startDoor({ port: door.port });
    await eventually(() => {
      expect(again.links).toHaveLength(2);
      for (const { messages } of again.links) expect(messages.length).toBeGreaterThan(0);
    });
    for (const { messages } of again.links) {
      expect(messages[0]).toContain('"software_version"');
      expect(messages[0]).not.toMatch(/^0000:/);
    }
  });

  test("ends with every link closed when it is aborted, also while it waits for a server", async () => {
    const door = await startDoor();
    const { stop } = start(door.url, { devices: 8 });
    await eventually(() => expect(door.links).toHaveLength(8));
    await stop();
    await eventually(() => expect(door.links.every(({ open }) => !open)).toBe(true));
    const { stop: stopWaiting, statuses } = start("http://127.0.0.1:9");
    await eventually(() => expect(statuses.at(-1)?.trouble).not.toBeNull());
    await stopWaiting();
  });

  test("counts refused handshakes and says what to do", async () => {
    const door = await startDoor({ status: 403 });
    const { statuses } = start(door.url);
    await eventually(() => expect(statuses.at(-1)?.refused).toBeGreaterThanOrEqual(3));
    expect(statuses.at(-1)?.trouble).toContain("smart_os.access");
  });

  test("rejects what cannot be run, and names every problem", async () => {
    const ended = runSolMates({
      url: "not an address",
      devices: 9_000,
      firstSerial: 1_001,
      behaviour: "sine",
      valueMax: 0.5,
      sleepMinS: 3,
      sleepMaxS: 1,
      seed: 1,
      signal: AbortSignal.timeout(5_000),
    });
    await expect(ended).rejects.toMatchObject({
      code: "device_configuration",
      problems: [
        expect.stringContaining("url"),
        expect.stringContaining("four digits"),
        expect.stringContaining("valueMax"),
        expect.stringContaining("3 to 1 s"),
      ],
    });
  });
});

test("the status is one short line, longer where something is not in order", () => {
  const status: SolMateStatus = {
    devices: 2_670,
    connected: 2_670,
    sentPerSecond: 889.7,
    sent: 12_400,
    ok: 12_345,
    errors: 0,
    unanswered: 0,
    commands: 0,
    refused: 0,
    trouble: null,
  };
  expect(formatSolMateStatus(status)).toBe("2,670/2,670 connected · 890 updates/s · 12,345 OK · 0 ERROR");
  expect(formatSolMateStatus({ ...status, connected: 3, unanswered: 2, refused: 9, trouble: "No." })).toBe(
    "3/2,670 connected · 890 updates/s · 12,345 OK · 0 ERROR · 2 unanswered · 9 refused · No.",
  );
});
