import { afterAll, expect, test } from "vitest";
import { deviceDetail, storedSamples } from "../support/api.ts";
import { chromiumPath, closeBrowser, openPage } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { needs } from "../support/needs.ts";
import { pythonWithWebsockets, startSolMateClient } from "../support/python-client.ts";
import { openDoors, openWebClient } from "../support/smart-os.ts";
import { startServer } from "../support/start-server.ts";

const hasPython = pythonWithWebsockets !== undefined;

/** `MMMM:SSSS` of each frame that was sent. */
function headsOf(frames: readonly string[]): string[] {
  return frames.map((frame) => /\d{4}:\d{4}/.exec(frame)?.[0] ?? frame);
}

needs("python3-websockets", hasPython)("a Python SolMate as the documents describe solmate.py", () => {
  test("is welcomed without a subprotocol, every message is answered with OK, and web clients get each byte for byte", async () => {
    const server = await startServer({ settings: openDoors });
    const client = await openWebClient(server.wsUrl);
    const solMate = startSolMateClient([`--server-url=${server.wsUrl}/update/`]);
    expect(await solMate.next("connected")).toMatchObject({ subprotocol: null });
    await solMate.next("answered", 20);
    expect(solMate.texts("received")).toEqual([
      `{"type": "INFO", "message": "Welcome to SMART-Server - SolMate Real-Time ObServer! - SolServerConsumer: groups ['updates']"}`,
    ]);
    const answers = solMate.texts("answered").slice(0, 20);
    expect(answers).toEqual(
      headsOf(solMate.sent().slice(0, 20)).map((head) => `{"type": "INFO", "message": "${head}:OK"}`),
    );
    expect(answers.at(-1)).toContain("0019:0001:OK");
    expect(await client.receive(20)).toEqual(expect.arrayContaining(solMate.sent().slice(0, 20)));
    expect(client.received.slice(0, 20)).toEqual(solMate.sent().slice(0, 20));
  });

  test("begins with everything, then sends what has changed; the server's row holds all of it", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = startSolMateClient([`--server-url=${server.wsUrl}/update/`, "--serial-number=0042"]);
    await solMate.next("answered", 10);
    solMate.stop();
    const bodies = solMate.sent().map((text) => {
      const { message } = JSON.parse(text) as { message: string };
      return JSON.parse(message.slice("0000:0042:".length)) as Record<string, unknown>;
    });
    expect(Object.keys(bodies[0] ?? {})).toHaveLength(7);
    for (const body of bodies.slice(1)) expect(Object.keys(body)).toHaveLength(1);
    const { postcode, ...present } = Object.assign({}, ...bodies) as Record<string, unknown>;
    await eventually(async () => {
      const { dataset } = await openWebClient(server.wsUrl);
      expect(dataset).toMatchObject([{ serial_number: "0042", postcode: String(postcode), ...present }]);
    });
    await eventually(async () => expect((await storedSamples(server, "0042")).length).toBeGreaterThanOrEqual(10));
  });

  test("initialises with its __dict__, underscores, insides and all", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = startSolMateClient([`--server-url=${server.wsUrl}/update/`, "--initializer"]);
    await solMate.next("answered");
    expect(solMate.sent()[0]).toContain(
      '{"type": "INIT", "message": "0000:0001:{\\"publish\\": true, \\"serial_number\\": \\"0001\\"',
    );
    expect(solMate.texts("answered")[0]).toBe('{"type": "INFO", "message": "0000:0001:OK"}');
    const detail = await deviceDetail(server, "0001");
    expect(detail.properties).toMatchObject({
      software_version: "v8.6",
      country: "DE",
      postcode: "7445",
      pv_connectors: "1",
    });
    expect(detail.properties).not.toHaveProperty("server_url");
  });

  test("may send its frames as Python's print shows them", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = startSolMateClient([`--server-url=${server.wsUrl}/update`, "--initializer", "--python-literals"]);
    await solMate.next("answered", 5);
    expect(solMate.sent()[0]).toMatch(/^\{'type': 'INIT', 'message': '0000:0001:\{"publish": true/);
    for (const answer of solMate.texts("answered")) expect(answer).toMatch(/:OK"\}$/);
  });

  test("goes on from 9999 to 0000", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = startSolMateClient([`--server-url=${server.wsUrl}/update/`, "--first-message-id=9998"]);
    await solMate.next("answered", 3);
    expect(headsOf(solMate.texts("answered").slice(0, 4))).toEqual([
      "9998:0001",
      "9999:0001",
      "0000:0001",
      "0001:0001",
    ]);
  });

  test("gets ERROR while nobody knows its serial number, and OK on the same link once it is accepted", async () => {
    const server = await startServer({ settings: { "smart_os.access": "open" } });
    const solMate = startSolMateClient([`--server-url=${server.wsUrl}/update/`, "--serial-number=7777"]);
    await solMate.next("answered", 3);
    for (const answer of solMate.texts("answered")) expect(answer).toMatch(/7777:ERROR"\}$/);
    server.devices.add({ deviceId: "7777", properties: { dialect: "smart-os" } });
    await eventually(() => expect(solMate.texts("answered").at(-1)).toMatch(/7777:OK"\}$/));
    expect(solMate.events.filter(({ event }) => event === "connected")).toHaveLength(1);
  });

  test("comes back by itself when the server restarts, and counts on; its row is there all along", async () => {
    const server = await startServer({ settings: openDoors });
    const solMate = startSolMateClient([`--server-url=${server.wsUrl}/update/`]);
    await solMate.next("answered", 3);
    await server.stop();
    expect(await solMate.next("lost")).toMatchObject({ code: 1012 });
    const again = await startServer({
      dataDir: server.dataDir,
      settings: { ...openDoors, port: new URL(server.url).port },
    });
    expect((await openWebClient(again.wsUrl)).dataset[0]).toMatchObject({ serial_number: "0001", country: "DE" });
    await solMate.next("connected", 1);
    const before = solMate.texts("answered").length;
    await eventually(() => expect(solMate.texts("answered").length).toBeGreaterThan(before + 3));
    // An id may be spent on a message that the socket no longer took.
    const heads = headsOf(solMate.sent());
    expect(heads).toEqual([...new Set(heads)].sort());
    expect(solMate.texts("answered").at(-1)).toMatch(/:OK"\}$/);
  });

  test("without the doors opened it is refused before the upgrade, and goes on trying", async () => {
    const server = await startServer();
    const solMate = startSolMateClient([`--server-url=${server.wsUrl}/update/`]);
    expect(await solMate.next("refused", 1)).toEqual({ event: "refused", status: 404 });
  });
});

needs("chromium and python3-websockets", chromiumPath !== null && hasPython)("a web client in a browser", () => {
  afterAll(closeBrowser);

  test("opens the socket as documented, gets the dataset and every update, and the answer to its query", async () => {
    const server = await startServer({ settings: openDoors });
    const [first, second] = ["0001", "0023"].map((serial) =>
      startSolMateClient([`--server-url=${server.wsUrl}/update/`, `--serial-number=${serial}`]),
    );
    await first?.next("answered");
    await second?.next("answered");
    const page = await openPage(server.url);
    const frames = await page.evaluate(
      () =>
        new Promise<{ type: string; message: unknown }[]>((resolve) => {
          const ws = new WebSocket(`ws://${window.location.host}/client/`);
          const received: { type: string; message: unknown }[] = [];
          ws.onmessage = ({ data }) => {
            received.push(JSON.parse(data));
            if (received.length === 2) {
              ws.send('{"type":"FILT","message":["filter:serial_number:=:2","sort:serial_number:<:abc"]}');
            }
            const answers = received.filter(({ type }) => type === "INIT");
            if (answers.length === 2 && received.length > 20) {
              ws.close();
              resolve(received);
            }
          };
        }),
    );
    expect(frames[0]).toEqual({
      type: "INFO",
      message: "Welcome to SMART-Server - SolMate Real-Time ObServer! - ClientConsumer: groups ['broadcast']",
    });
    expect(frames[1]).toMatchObject({ type: "INIT", message: [{ serial_number: "0001" }, { serial_number: "0023" }] });
    expect(frames.slice(2).find(({ type }) => type === "INIT")?.message).toMatchObject([{ serial_number: "0023" }]);
    const updates = frames.filter(({ type }) => type === "UPDT").map((frame) => JSON.stringify(frame));
    const sent = new Set(
      [...(first?.sent() ?? []), ...(second?.sent() ?? [])].map((text) => JSON.stringify(JSON.parse(text))),
    );
    for (const update of updates) expect(sent).toContain(update);
    expect(new Set(headsOf(updates).map((head) => head.slice(5)))).toEqual(new Set(["0001", "0023"]));
    expect(page.complaints).toEqual([]);
  });
});
