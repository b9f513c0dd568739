import type { Comparison } from "../measure/comparison.ts";

export interface RunOptions {
  /** How often each subject is measured, in turns. */
  readonly rounds: number;
  /** How long one measurement lasts. */
  readonly seconds: number;
  /** Devices, or what the scenario counts instead of them: dashboards, connections. */
  readonly devices: number;
  /** How many days the samples reach back, where it matters. */
  readonly days?: number;
  /** Folder for CPU profiles of the server under test. */
  readonly profileDir?: string | undefined;
}

/** Says what is being done, on one line. */
export type Progress = (text: string) => void;

export interface Scenario {
  readonly name: string;
  /** One line for the help. */
  readonly summary: string;
  /** What was measured and how, for whoever reads the figures. */
  readonly method: string;
  readonly defaults: RunOptions;
  /** As little as shows that all of it works. */
  readonly smoke: RunOptions;
  /** Throws where a server lost something, or ended: then there are no figures. */
  run(options: RunOptions, progress: Progress): Promise<Comparison[]>;
}
