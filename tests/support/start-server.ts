import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRefusal } from "@wattboard/protocol";
import { ManualClock } from "@wattboard/testing";
import { onTestFinished } from "vitest";
import {
  EmbeddedStore,
  loadConfig,
  type Switchboard,
  type SwitchboardOptions,
  startSwitchboard,
  storeLimits,
} from "wattboard";

export interface TestServer extends Switchboard {
  /** `ws://127.0.0.1:PORT` */
  readonly wsUrl: string;
  readonly dataDir: string;
  readonly store: EmbeddedStore;
  /** Registers a device and gives its token. */
  addDevice(deviceId: string): string;
}

export interface TestServerOptions extends Pick<SwitchboardOptions, "clock" | "log" | "passwordCost"> {
  /** Settings by key, as text: `{"access.dashboards": "people"}`. Dashboards are public unless said otherwise. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A folder to go on with; without it the test gets one of its own. */
  readonly dataDir?: string;
}

/** Nobody guesses here, and most tests sign somebody in first. */
const cheapPasswords = { memoryKiB: 8, passes: 1 };

/** A real server on a free port with a folder of its own; both are gone when the test is. */
export async function startServer({ settings = {}, dataDir, ...rest }: TestServerOptions = {}): Promise<TestServer> {
  const folder = dataDir ?? temporaryFolder();
  const { config } = loadConfig({
    flags: {
      port: "0",
      data_dir: folder,
      "access.dashboards": "public",
      "log.level": "silent",
      "store.flush_ms": "10",
      ...settings,
    },
    env: {},
    file: undefined,
  });
  const store = await EmbeddedStore.open(folder, storeLimits(config));
  const switchboard = await startSwitchboard({
    passwordCost: cheapPasswords,
    ...rest,
    config,
    openStore: async () => store,
  });
  const stop = () => stopWithClock(switchboard, rest.clock);
  onTestFinished(stop);
  return {
    ...switchboard,
    stop,
    wsUrl: switchboard.url.replace("http", "ws"),
    dataDir: folder,
    store,
    addDevice(deviceId) {
      const added = switchboard.devices.add({ deviceId });
      if (isRefusal(added)) throw new Error(added.message);
      return added.token;
    },
  };
}

/** A stop waits on the server's clock: a manual one has to be moved on meanwhile. */
export async function stopWithClock(switchboard: Switchboard, clock: SwitchboardOptions["clock"]): Promise<void> {
  const moving = clock instanceof ManualClock ? setInterval(() => clock.advance(20), 1) : undefined;
  await switchboard.stop().finally(() => clearInterval(moving));
}

/** A folder that is gone when the test is. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wattboard-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
