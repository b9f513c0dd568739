import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Capabilities, Command, CommandResult } from "@wattboard/protocol";
import { ManualSdkClock } from "@wattboard/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { type CommandHandler, CommandInbox, CommandRejected } from "./command-inbox.ts";
import { type CommandMemory, fileCommandMemory, type RememberedCommand } from "./command-memory.ts";

const announcement: Capabilities = {
  commands: { SET_MODE: { target_power: { MANUAL_CHARGE: { maximum: 800 } }, leases: true }, RESET_ERROR: {} },
};
const reset: Command = { command_id: "cmd_1", action: "RESET_ERROR", payload: {} };

function charge(command_id: string, lease_ms?: number, target_power = 500): Command {
  const payload = { target_mode: "MANUAL_CHARGE" as const, target_power, ...(lease_ms !== undefined && { lease_ms }) };
  return { command_id, action: "SET_MODE", payload };
}

/** An inbox with a handler that notes what it was given; `handle` runs in it. */
function start({
  handle = () => {},
  memory,
  clock = new ManualSdkClock(),
}: {
  handle?: CommandHandler;
  memory?: CommandMemory;
  clock?: ManualSdkClock;
} = {}) {
  const done: Command[] = [];
  const results: CommandResult[] = [];
  const link = { isUp: true };
  const leasesEnded: string[] = [];
  const inbox = new CommandInbox(
    clock,
    announcement,
    (command) => {
      done.push(command);
      return handle(command);
    },
    memory,
    {
      send(result) {
        if (link.isUp) results.push(result);
        return link.isUp;
      },
      began() {},
      failed() {},
      leaseEnded: ({ command_id }) => leasesEnded.push(command_id),
    },
  );
  const told = () => results.map(({ command_id, status, reason }) => [command_id, status, reason]);
  return { inbox, clock, done, results, told, link, leasesEnded };
}

describe("a command", () => {
  test("is carried out once, however often it comes, and answered each time", () => {
    const { inbox, done, told } = start();
    for (let count = 0; count < 3; count++) inbox.receive(reset);
    expect(done).toEqual([reset]);
    expect(told()).toEqual([
      ["cmd_1", "accepted", undefined],
      ["cmd_1", "applied", undefined],
      ["cmd_1", "applied", undefined],
      ["cmd_1", "applied", undefined],
    ]);
  });

  test.each([
    ["CommandRejected", new CommandRejected("still hot"), "rejected"],
    ["anything else", new Error("no answer"), "failed"],
  ] as const)("whose handler throws %s is told so, with the reason", (_, error, status) => {
    const { inbox, told } = start({
      handle: () => {
        throw error;
      },
    });
    inbox.receive(reset);
    expect(told().at(-1)).toEqual(["cmd_1", status, error.message]);
  });

  test("that does not fit what was announced never reaches the handler", () => {
    const { inbox, done, told } = start();
    inbox.receive(charge("cmd_1", undefined, 801));
    inbox.receive({ command_id: "cmd_2", action: "RESTART", payload: {} });
    expect(done).toEqual([]);
    expect(told()).toEqual([
      ["cmd_1", "rejected", expect.stringContaining("at most 800 W")],
      ["cmd_2", "rejected", expect.stringContaining("RESTART")],
    ]);
  });

  test("that comes after its deadline by the server's time is not started", () => {
    const { inbox, clock, done, told } = start();
    // The device's own clock has no say in it.
    inbox.welcome({ type: "welcome", server_time: "2031-05-01T00:00:00.000Z", epoch: 1 });
    inbox.deadline({ type: "deadline", command_id: "cmd_1", expires_at: "2031-05-01T00:01:00.000Z" });
    inbox.deadline({ type: "deadline", command_id: "cmd_2", expires_at: "2031-05-01T00:00:59.000Z" });
    clock.advance(59_500);
    inbox.receive({ ...reset, command_id: "cmd_2" });
    inbox.deadline({ type: "deadline", command_id: "cmd_1", expires_at: "2031-05-01T00:01:00.000Z" });
    inbox.receive(reset);
    expect(done).toEqual([reset]);
    expect(told()[0]).toEqual(["cmd_2", "rejected", expect.stringContaining("time to live")]);
  });

  test("whose answer no link took is answered on the next", () => {
    const { inbox, link, told } = start();
    link.isUp = false;
    inbox.receive(reset);
    expect(told()).toEqual([]);
    link.isUp = true;
    inbox.linked();
    expect(told()).toEqual([["cmd_1", "applied", undefined]]);
    inbox.linked();
    expect(told()).toHaveLength(1);
  });

  test("is forgotten after 256 later ones", () => {
    const { inbox, done } = start();
    for (let count = 1; count <= 257; count++) inbox.receive({ ...reset, command_id: `cmd_${count}` });
    inbox.receive(reset);
    expect(done.filter(({ command_id }) => command_id === "cmd_1")).toHaveLength(2);
    inbox.receive({ ...reset, command_id: "cmd_200" });
    expect(done).toHaveLength(258);
  });
});

describe("a memory", () => {
  function memoryFile(): string {
    const folder = mkdtempSync(join(tmpdir(), "wattboard-device-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return join(folder, "commands.json");
  }

  test("keeps a device that crashed between applying and answering from applying twice", () => {
    const path = memoryFile();
    const crash = start({ memory: fileCommandMemory(path), handle: () => new Promise(() => {}) });
    crash.inbox.receive(reset);
    expect(crash.done).toHaveLength(1);
    const restarted = start({ memory: fileCommandMemory(path) });
    restarted.inbox.receive(reset);
    expect(restarted.done).toEqual([]);
    expect(restarted.told()).toEqual([["cmd_1", "accepted", undefined]]);
  });

  test("that cannot be written carries nothing out", () => {
    const path = memoryFile();
    const { inbox, done, told } = start({ memory: fileCommandMemory(path) });
    rmSync(dirname(path), { recursive: true });
    inbox.receive(reset);
    expect(done).toEqual([]);
    expect(told()).toEqual([["cmd_1", "failed", expect.stringContaining("cannot remember")]]);
  });

  test("makes the folder of its file, and throws at once where it cannot", () => {
    const folder = join(dirname(memoryFile()), "lib", "my-device");
    fileCommandMemory(join(folder, "commands.json")).save([]);
    expect(existsSync(join(folder, "commands.json"))).toBe(true);
    expect(() => fileCommandMemory(join(folder, "commands.json", "commands.json"))).toThrow();
  });

  test("that is damaged counts as empty", () => {
    const path = memoryFile();
    writeFileSync(path, '[{"command_id":"cmd_1"');
    const memory = fileCommandMemory(path);
    expect(memory.load()).toEqual([]);
    const saved: RememberedCommand[] = [{ command_id: "cmd_2", status: "applied" }];
    memory.save(saved);
    expect(fileCommandMemory(path).load()).toEqual(saved);
  });
});

describe("a lease", () => {
  const auto = expect.objectContaining({ action: "SET_MODE", payload: { target_mode: "AUTO" } });

  test("that ends without renewal puts the device back in AUTO, link or no link", () => {
    const { inbox, clock, done, leasesEnded, link } = start();
    inbox.receive(charge("cmd_1", 10_000));
    link.isUp = false;
    clock.advance(9_999);
    expect(done).toHaveLength(1);
    clock.advance(1);
    expect(done[1]).toEqual(auto);
    expect(leasesEnded).toEqual(["cmd_1"]);
    clock.advance(60_000);
    expect(done).toHaveLength(2);
  });

  test("is renewed by a later SET_MODE, and ended by one without a lease", () => {
    const { inbox, clock, done } = start();
    inbox.receive(charge("cmd_1", 10_000));
    clock.advance(8_000);
    inbox.receive(charge("cmd_2", 10_000));
    clock.advance(9_000);
    expect(done).toHaveLength(2);
    inbox.receive(charge("cmd_3"));
    clock.advance(3_600_000);
    expect(done.map(({ command_id }) => command_id)).toEqual(["cmd_1", "cmd_2", "cmd_3"]);
  });

  test("is not renewed by the same command coming again, nor by one that failed", async () => {
    let isBroken = false;
    const { inbox, clock, done } = start({
      handle: async () => {
        if (isBroken) throw new Error("no answer");
      },
    });
    inbox.receive(charge("cmd_1", 10_000));
    await Promise.resolve();
    clock.advance(8_000);
    inbox.receive(charge("cmd_1", 10_000));
    isBroken = true;
    inbox.receive(charge("cmd_2", 10_000));
    await Promise.resolve();
    await Promise.resolve();
    isBroken = false;
    clock.advance(2_000);
    expect(done.at(-1)).toEqual(auto);
  });

  test("whose fall back fails is tried again until it works", () => {
    let failures = 2;
    const { inbox, clock, done } = start({
      handle: ({ payload }) => {
        if ("target_mode" in payload && payload.target_mode === "AUTO" && failures-- > 0) throw new Error("busy");
      },
    });
    inbox.receive(charge("cmd_1", 1_000));
    clock.advance(1_000);
    expect(done).toHaveLength(2);
    clock.advance(10_000);
    expect(done.slice(1)).toEqual([auto, auto, auto]);
    clock.advance(60_000);
    expect(done).toHaveLength(4);
  });
});
