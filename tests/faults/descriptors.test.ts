import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { events, metric } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { CliProcess, makeFolder } from "../support/run-cli.ts";

/** Method: a real server under `ulimit -n`, and more sockets than that. */

interface Limited {
  readonly url: string;
  readonly process: CliProcess;
  readonly socketsMax: number;
}

async function startWith(descriptors: number): Promise<Limited> {
  const args = ["serve", "--port=0", `--data-dir=${makeFolder()}`, "--access-dashboards=public"];
  const process = new CliProcess(args, { descriptors });
  const [, url = ""] = await process.printed(/"url":"(http[^"]+)".*wattboard is ready/);
  return { url, process, socketsMax: await metric({ url }, "wattboard_sockets_max") };
}

async function expectReachable({ url }: Limited): Promise<void> {
  for (const path of ["/readyz", "/metrics", "/api/v1/devices"]) {
    const { status } = await fetch(url + path, { headers: { connection: "close" } });
    expect([path, status]).toEqual([path, 200]);
  }
}

needs("a limit of open files", process.platform === "linux")("a server that may open 300 files", () => {
  test("says so at the start, and answers everyone of 400 who come: with a WebSocket, or with 503 and when to come again", async () => {
    const server = await startWith(300);
    expect(server.process.stdout).toContain("fewer sockets than limits.sockets may be open");
    expect(server.socketsMax).toBeGreaterThan(100);
    expect(server.socketsMax).toBeLessThan(300);
    const open: RawSocket[] = [];
    let refused = 0;
    for (let come = 0; come < 400; come++) {
      const raw = await RawSocket.connect(server.url);
      const { status, headers } = await raw.handshake("/ws/fleet");
      if (status === 101) {
        open.push(raw);
        continue;
      }
      expect(status).toBe(503);
      expect(headers).toMatch(/^retry-after: \d+$/m);
      refused++;
    }
    expect(open.length).toBeGreaterThan(server.socketsMax - 5);
    expect(open.length).toBeLessThanOrEqual(server.socketsMax);
    await expectReachable(server);
    expect(await metric(server, 'wattboard_handshakes_refused_total{door="any",code="server_full"}')).toBe(refused);
    expect((await events(server)).map(({ kind }) => kind)).toContain("sockets_full");
    expect(server.process.stdout).toContain("as many sockets as may be are open");
    expect(server.process.stdout).not.toContain("EMFILE");
    // Nobody who was let in was hurt, and when they leave others come in.
    expect(open.every(({ isEnded }) => !isEnded)).toBe(true);
    for (const raw of open) raw.socket.destroy();
    await eventually(async () => expect(await metric(server, "wattboard_sockets")).toBeLessThan(10));
    const late = await RawSocket.connect(server.url);
    expect((await late.handshake("/ws/fleet")).status).toBe(101);
  });

  test("answers all of 400 who come at once", async () => {
    const server = await startWith(300);
    const answers = await Promise.all(
      Array.from({ length: 400 }, async () => {
        const raw = await RawSocket.connect(server.url);
        const { status, headers } = await raw.handshake("/ws/fleet");
        if (status === 503) expect(headers).toMatch(/^retry-after: \d+$/m);
        return status;
      }),
    );
    const letIn = answers.filter((status) => status === 101).length;
    expect(answers.filter((status) => status === 503)).toHaveLength(400 - letIn);
    expect(letIn).toBeGreaterThan(server.socketsMax / 2);
    await expectReachable(server);
  });

  test("can be asked for its health and metrics while 600 silent sockets are held open against it", async () => {
    const server = await startWith(300);
    const silent: RawSocket[] = [];
    for (let come = 0; come < 600; come++) silent.push(await RawSocket.connect(server.url));
    await expectReachable(server);
    // Who gave way was told.
    const ended = silent.filter(({ isEnded }) => isEnded);
    expect(ended.length).toBeGreaterThan(300);
    expect((await ended[0]?.answer())?.status).toBe(503);
    await expectReachable(server);
    expect(await metric(server, "wattboard_sockets")).toBeLessThan(300);
  });

  test("ends in order with all its sockets taken", async () => {
    const server = await startWith(200);
    for (let come = 0; come < 250; come++) {
      const raw = await RawSocket.connect(server.url);
      await raw.handshake("/ws/fleet");
    }
    server.process.signal("SIGTERM");
    expect((await server.process.exit(15_000)).code).toBe(0);
  });
});

describe("metrics", () => {
  test("tell open descriptors and the room that is left, as the system does", async () => {
    const server = await startWith(1_000);
    const pid = server.process.child.pid;
    await eventually(async () => expect(await metric(server, "wattboard_data_free_bytes")).toBeGreaterThan(0));
    const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
    expect(await metric(server, "process_max_fds")).toBe(Number(/^Max open files +(\d+)/m.exec(limits)?.[1]));
    const descriptors = await metric(server, "wattboard_open_descriptors");
    // Older systems do not tell it in one look.
    if (descriptors !== 0) expect(descriptors).toBeGreaterThan(20);
  });
});
