import { join } from "node:path";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { folderGone, OpenFiles } from "../base/open-files.ts";
import type { Events } from "./events.ts";
import type { Health } from "./health.ts";
import type { Log } from "./log.ts";

const everyMs = 1_000;

interface FolderWatchServices {
  readonly clock: Clock;
  readonly events: Events;
  readonly health: Health;
  readonly log: Log;
}

/** Looks each second whether the databases that are open still are those that the data folder has. */
export class FolderWatch {
  readonly #services: FolderWatchServices;
  readonly #dataDir: string;
  readonly #files: OpenFiles;
  readonly #stopTimer: CancelTimer;
  #isLooking = false;
  #isStopped = false;
  #isGone = false;

  constructor(services: FolderWatchServices, dataDir: string, names: readonly string[]) {
    this.#services = services;
    this.#dataDir = dataDir;
    this.#files = new OpenFiles(names.map((name) => join(dataDir, name)));
    this.#stopTimer = services.clock.every(everyMs, () => void this.#look());
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopTimer();
  }

  /** One at a time: a disk that does not answer must not gather them. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const name = await this.#files.lookForMissing();
    this.#isLooking = false;
    // A look that was under way may see what was closed meanwhile.
    if (this.#isStopped || (name !== null) === this.#isGone) return;
    this.#isGone = name !== null;
    const { events, health, log } = this.#services;
    health.noteFolder(this.#isGone);
    if (name === null) {
      events.report("data_dir_back", null, "The data folder is where it was again, and samples are stored.");
      return;
    }
    log.error({ data_dir: this.#dataDir, file: name }, "the data folder is not where it was");
    events.report("data_dir_gone", null, `${folderGone(name).message} Live delivery goes on; nothing is stored.`);
  }
}
