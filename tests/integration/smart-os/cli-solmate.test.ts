import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { needs } from "../../support/needs.ts";
import { CliProcess, makeFolder, runJson, type ServeProcess, startServe, wattboardBin } from "../../support/run-cli.ts";
import { openWebClient } from "../../support/smart-os.ts";
import type { TestSocket } from "../../support/sockets.ts";

const quick = ["--devices=3", "--behaviour=linear", "--max=400", "--sleep-min=0.02", "--sleep-max=0.05"];

async function startOpenServe(): Promise<ServeProcess> {
  return await startServe({ args: ["--smart-os-access=open", "--smart-os-auto-register"] });
}

interface Update {
  readonly messageId: string;
  readonly serial: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The updates that a web client has got so far. */
function updatesOf(client: TestSocket): Update[] {
  return client.received.map((frame) => {
    const { type, message } = JSON.parse(frame) as { type: string; message: string };
    expect(type).toBe("UPDT");
    return { messageId: message.slice(0, 4), serial: message.slice(5, 9), fields: JSON.parse(message.slice(10)) };
  });
}

// Each test starts several processes, which takes its time on a busy machine.
describe("simulate solmate", () => {
  test("brings SolMates to the server's web clients, each with its own count and first with everything; Ctrl-C ends it alone", async () => {
    const server = await startOpenServe();
    const client = await openWebClient(server.wsUrl);
    const emulator = new CliProcess(["simulate", "solmate", ...quick, `--url=${server.url}`]);
    await eventually(() => expect(updatesOf(client).length).toBeGreaterThan(30), { withinMs: 15_000 });
    emulator.signal("SIGINT");
    const { code, stdout, stderr } = await emulator.exit();
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/^3\/3 connected · \d+ updates\/s · \d+ OK · 0 ERROR$/m);
    const updates = updatesOf(client);
    for (const serial of ["0001", "0002", "0003"]) {
      const own = updates.filter((update) => update.serial === serial);
      expect(own.map(({ messageId }) => Number(messageId))).toEqual([...own.keys()]);
      expect(own[0]?.fields).toMatchObject({ battery: expect.any(Number), country: expect.any(String) });
      for (const { fields } of own.slice(1)) expect(fields).not.toHaveProperty("country");
    }
    const later = await openWebClient(server.wsUrl);
    expect(later.dataset).toHaveLength(3);
    expect(later.dataset[0]).toMatchObject({
      serial_number: "0001",
      solmate_version: expect.stringMatching(/^v[12]$/),
      pv_connectors: expect.toSatisfy((connectors: number) => connectors === 1 || connectors === 2),
      software_version: expect.stringMatching(/^v\d/),
    });
  });

  test("sends the same values for the same seed, and others for another", async () => {
    const server = await startOpenServe();
    const first = async (seed: number): Promise<unknown[]> => {
      const client = await openWebClient(server.wsUrl);
      const emulator = new CliProcess(["simulate", "solmate", ...quick, `--url=${server.url}`, `--seed=${seed}`]);
      const updates = await eventually(
        () => {
          const own = updatesOf(client).filter(({ serial }) => serial === "0001");
          expect(own.length).toBeGreaterThan(0);
          return own;
        },
        { withinMs: 15_000 },
      );
      emulator.signal("SIGTERM");
      await emulator.exit();
      const { local_time: _, ...fields } = updates[0]?.fields ?? {};
      return Object.entries(fields);
    };
    const seven = await first(7);
    expect(await first(7)).toEqual(seven);
    expect(await first(8)).not.toEqual(seven);
  });

  test("with --initializer begins with an INIT, of which the server knows more than an update has", async () => {
    const server = await startOpenServe();
    const emulator = new CliProcess([
      "simulate",
      "solmate",
      ...quick,
      "--initializer",
      `--url=${server.wsUrl}/update/`,
    ]);
    await eventually(
      async () => {
        const { dataset } = await openWebClient(server.wsUrl);
        expect(dataset).toHaveLength(3);
        expect(dataset[0]).toMatchObject({ serial_number: "0001", capacity: 5_184_000, meassuring: true });
      },
      { withinMs: 15_000 },
    );
    emulator.signal("SIGINT");
    expect((await emulator.exit()).code).toBe(0);
  });

  test("is told ERROR where nobody knows its serial numbers, and says what to do", async () => {
    const server = await startServe({ args: ["--smart-os-access=open"] });
    const emulator = new CliProcess(["simulate", "solmate", ...quick, "--devices=1", `--url=${server.url}`]);
    await eventually(
      async () => {
        const waiting = await runJson<object[]>(["device", "waiting", "--data-dir", server.dataDir]);
        expect(waiting).toMatchObject([
          { device_id: "0001", messages: expect.toSatisfy((count: number) => count > 1) },
        ]);
      },
      { withinMs: 15_000 },
    );
    emulator.signal("SIGINT");
    const { code, stderr } = await emulator.exit();
    expect(code).toBe(0);
    expect(stderr).toMatch(/ERROR to 0001: is this serial number registered there\?/);
  });

  test("brings a token for each device where the server asks for them", async () => {
    const server = await startServe({ args: ["--smart-os-access=token"] });
    const added = await runJson<object>(["device", "add", "0042", "--data-dir", server.dataDir]);
    const tokens = join(makeFolder(), "tokens.jsonl");
    writeFileSync(tokens, `${JSON.stringify(added)}\n`);
    const client = await openWebClient(server.wsUrl);
    const emulator = new CliProcess([
      "simulate",
      "solmate",
      ...quick,
      "--devices=1",
      "--first-serial=42",
      `--tokens=${tokens}`,
      `--url=${server.url}`,
    ]);
    await eventually(() => expect(updatesOf(client)[0]?.serial).toBe("0042"), { withinMs: 15_000 });
    emulator.signal("SIGINT");
    expect((await emulator.exit()).code).toBe(0);
  });
});

const hasScript = spawnSync("script", ["--version"]).status === 0;

/** The emulator in a terminal of its own, which `script` provides. */
function openTerminal(args: readonly string[]) {
  // `script` asks SHELL to run it. Not every shell steps aside by itself, and one that stays takes the Ctrl-C as well.
  const command = ["exec", process.execPath, wattboardBin, "simulate", "solmate", ...args].join(" ");
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { ...process.env, SHELL: "/bin/sh", TERM: "dumb" },
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  let shown = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
  });
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const shows = (pattern: RegExp) => eventually(() => expect(shown).toMatch(pattern), { withinMs: 15_000 });
  return {
    exited,
    shows,
    get shown() {
      return shown;
    },
    async answer(question: RegExp, text: string) {
      await shows(question);
      shown = "";
      child.stdin.write(text);
    },
  };
}

needs("script", hasScript)("simulate solmate in a terminal", () => {
  test("asks what the original asked, again where an answer cannot be read, and takes Enter for what is usual", async () => {
    const server = await startOpenServe();
    const terminal = openTerminal([`--url=${server.url}`]);
    await terminal.answer(/How many SolMate instances\? \[20\]/, "some\r");
    await terminal.answer(/whole number of at least 1[\s\S]*How many SolMate instances\?/, "2\r");
    await terminal.answer(/Strict monoton behaviour\? \(y\/n\) \[y\]/, "y\r");
    await terminal.answer(/Sinus curve behaviour\? \(y\/n\) \[y\]/, "n\r");
    await terminal.answer(/Maximum values\? \[400\]/, "50\r");
    await terminal.answer(/Minimum sleep time between two values, in seconds\? \[1\]/, "0.05\r");
    await terminal.answer(/Maximum sleep time between two values, in seconds\? \[5\]/, "0.1\r");
    const client = await openWebClient(server.wsUrl);
    await eventually(() => expect(updatesOf(client).length).toBeGreaterThan(5), { withinMs: 15_000 });
    await terminal.answer(/2\/2/, "\x03");
    expect(await terminal.exited).toBe(0);
  });

  test("asks only for what was not given, and not for a curve where values are random", async () => {
    const server = await startOpenServe();
    const terminal = openTerminal(["--devices=1", "--sleep-min=7", `--url=${server.url}`]);
    await terminal.answer(/Strict monoton behaviour\?/, "n\r");
    await terminal.answer(/Maximum values\?/, "\r");
    await terminal.answer(/^\s*[^?]*Maximum sleep time between two values, in seconds\? \[7\]/, "\r");
    await terminal.answer(/1\/1/, "\x03");
    expect(await terminal.exited).toBe(0);
  });

  test.each([
    ["Ctrl-C", "\x03"],
    ["Ctrl-D", "\x04"],
  ])("ends by %s at a question, and names the flag that answers it", async (_, key) => {
    const terminal = openTerminal([]);
    await terminal.answer(/How many SolMate instances\?/, key);
    expect(await terminal.exited).toBe(2);
    expect(terminal.shown).toMatch(/No answer\. Without questions: --devices, or --yes/);
  });
});
