import { LoopLag } from "../base/loop-lag.ts";
import { GeneralLog } from "../observe/general-log.ts";
import { Health } from "../observe/health.ts";
import { Machine } from "../observe/machine.ts";
import { Metrics } from "../observe/metrics.ts";
import { Throttle } from "../observe/throttle.ts";
import type { AccessParts } from "./assemble-access.ts";
import type { Defer } from "./closing.ts";

export type ObservationParts = ReturnType<typeof assembleObservation>;

/** What shows how the server does. Ends after what it shows, so that it takes no time from that. */
export function assembleObservation(defer: Defer, parts: AccessParts) {
  const { clock, log } = parts;
  const { data_dir, log: logged, smart_os } = parts.config;
  const generalLog =
    logged.general === "all" || (logged.general === "smart_os" && smart_os.access !== "off")
      ? new GeneralLog(clock, { folder: data_dir, bytesMax: logged.general_bytes, log })
      : null;
  defer("general.log", () => generalLog?.close());
  const machine = new Machine(clock, data_dir);
  defer("the look at the machine", () => machine.stop());
  const loopLag = new LoopLag(clock);
  defer("the look at the event loop", () => loopLag.stop());
  return {
    ...parts,
    generalLog,
    machine,
    loopLag,
    health: new Health(),
    metrics: new Metrics(),
    throttle: new Throttle(clock, 10_000),
  };
}
