import { Violation } from "./checker.ts";
import { endFaults, runFaults } from "./faults.ts";
import { World, type WorldOptions } from "./world.ts";

interface SimulationOptions extends WorldOptions {
  /** How long things happen, ms of virtual time. */
  readonly faultsMs: number;
}

/** What became of a world. */
export interface Outcome {
  /** What did not hold; null: all did. */
  readonly violation: string | null;
  readonly digest: string;
  readonly events: number;
  readonly virtualMs: number;
  readonly accepted: number;
  readonly committed: number;
  readonly declared: number;
  readonly shown: number;
  /** Ranges of one journal at the most. */
  readonly rangesMost: number;
  /** The last of what happened, as text. */
  readonly tail: string;
}

/** So long a world may take to converge once nothing happens to it any more: a silent link is found after a minute, and the next try comes a minute later. */
const quietMsMax = 5 * 60_000;
const lookMs = 5_000;
/** Two clones take turns. */
const looksPerTurn = 20;
/** Devices go on measuring for so long. */
const samplingMs = 20_000;

/** Faults first; then a quiet time in which everything must converge: all that devices have taken is stored, once, or declared as lost. */
export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const world = new World(options);
  try {
    const violation = await violationIn(world, options.faultsMs);
    const { checker, log, timeline } = world;
    return {
      violation,
      digest: log.digest,
      events: log.count,
      virtualMs: timeline.nowMs,
      accepted: checker.acceptedCount,
      committed: checker.committedCount,
      declared: checker.declaredCount,
      shown: checker.shownCount,
      rangesMost: world.rangesMost,
      tail: log.tail,
    };
  } finally {
    world.discard();
  }
}

async function violationIn(world: World, faultsMs: number): Promise<string | null> {
  try {
    await runFaults(world, faultsMs);
    endFaults(world);
    await world.run(samplingMs);
    world.isSampling = false;
    const endMs = world.timeline.nowMs + quietMsMax;
    for (let looks = 0; world.unsettled().length > 0; looks++) {
      if (looks % looksPerTurn === 0) world.takeTurns();
      if (world.timeline.nowMs >= endMs)
        return `These are neither stored nor declared as lost:\n${world.unsettled().join("\n")}`;
      await world.run(lookMs);
    }
    world.readAll();
    return null;
  } catch (error) {
    if (error instanceof Violation) return error.message;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
