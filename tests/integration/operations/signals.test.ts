import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { CliProcess, makeFolder, startServe, wattboardBin } from "../../support/run-cli.ts";
import { openSocket } from "../../support/sockets.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

interface Started {
  readonly npm: ChildProcess;
  readonly url: string;
  readonly dataDir: string;
}

/** A server that npm or npx starts, in a shell of its own making. */
async function startThrough(program: "npx" | "npm exec" | "npm start"): Promise<Started> {
  const folder = makeFolder();
  const serve = ["serve", "--port=0", `--data-dir=${folder}/data`];
  const [name = "", ...words] = program.split(" ");
  const args = program === "npm start" ? words : [...words, "--", "wattboard", ...serve];
  const script = [process.execPath, wattboardBin, ...serve].map((each) => `"${each}"`).join(" ");
  writeFileSync(join(folder, "package.json"), JSON.stringify({ scripts: { start: script } }));
  const npm = spawn(name, args, { cwd: program === "npm start" ? folder : root, stdio: ["ignore", "pipe", "ignore"] });
  onTestFinished(() => killAllOf(folder));
  let printed = "";
  npm.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  const url = await eventually(
    () => {
      const found = /"url":"(http[^"]+)".*"msg":"wattboard is ready"/.exec(printed)?.[1];
      if (found === undefined) throw new Error(`not ready: ${printed}`);
      return found;
    },
    { withinMs: 20_000 },
  );
  return { npm, url, dataDir: join(folder, "data") };
}

/** Where a test fails its server is still there, and belongs to nobody. */
function killAllOf(folder: string): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder)) process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/livez`).then(
    ({ ok }) => ok,
    () => false,
  );

describe("a server that was started through npm ends with it, and leaves port and folder free", () => {
  test.each([
    ["npx", "SIGTERM"],
    ["npx", "SIGKILL"],
    ["npm exec", "SIGTERM"],
    ["npm start", "SIGTERM"],
    ["npm start", "SIGKILL"],
    ["npm start", "SIGHUP"],
  ] as const)("%s, by %s", async (program, signal) => {
    const { npm, url, dataDir } = await startThrough(program);
    expect(await answers(url)).toBe(true);
    npm.kill(signal);
    await eventually(async () => expect(await answers(url)).toBe(false), { withinMs: 10_000 });
    await eventually(() => expect(existsSync(join(dataDir, "control.json"))).toBe(false));
    // The next one finds the folder free.
    await startServe({ dataDir });
  });
});

describe("SIGHUP", () => {
  test("does not end a server without TLS: it opens its log files anew, and goes on", async () => {
    const server = await startServe({ args: ["--smart-os-access=open"] });
    const log = join(server.dataDir, "general.log");
    const say = async (word: string): Promise<void> => {
      const client = await openSocket(`${server.wsUrl}/client/`);
      client.send(word);
    };
    await say("before");
    await eventually(() => expect(readFileSync(log, "utf8")).toContain("before"));
    renameSync(log, `${log}.moved`);
    server.process.signal("SIGHUP");
    await eventually(() => expect(server.logs().some(({ msg }) => /opened anew/.test(msg))).toBe(true));
    await say("after");
    await eventually(() => expect(readFileSync(log, "utf8")).toContain("after"));
    expect(readFileSync(`${log}.moved`, "utf8")).not.toContain("after");
    expect(await answers(server.url)).toBe(true);
    expect((await server.stop()).code).toBe(0);
  });

  test("does not end one that is only just starting", async () => {
    const folder = makeFolder();
    const starting = new CliProcess(["serve", "--port=0", `--data-dir=${folder}`]);
    await eventually(() => expect(existsSync(join(folder, "access.db"))).toBe(true));
    starting.signal("SIGHUP");
    const [, url = ""] = await starting.printed(/"url":"(http[^"]+)"/);
    expect(await answers(url)).toBe(true);
    starting.signal("SIGTERM");
    expect((await starting.exit()).code).toBe(0);
  });

  test("does not end a demo, which SIGTERM does", async () => {
    const folder = makeFolder();
    const demo = new CliProcess(["demo", "--devices=1", "--port=0", "--no-history", `--data-dir=${folder}`]);
    const [, url = ""] = await demo.printed(/Fleet, live +(http\S+)/);
    demo.signal("SIGHUP");
    await eventually(async () => expect(await answers(url)).toBe(true));
    demo.signal("SIGTERM");
    expect((await demo.exit(20_000)).code).toBe(0);
    expect(await answers(url)).toBe(false);
  });
});
