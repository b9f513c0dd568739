import type { CancelTimer, Clock } from "../base/clock.ts";
import { OpenFiles } from "../base/open-files.ts";

const everyMs = 1_000;

export interface FolderObserver {
  /** A file of the data folder is not where it was. */
  gone(name: string): void;
  /** All are there again, and the same as before. */
  back(): void;
}

/** Looks each second whether the databases that are open still are those that the data folder has. */
export class FolderWatch {
  readonly #files: OpenFiles;
  readonly #observer: FolderObserver;
  readonly #stopTimer: CancelTimer;
  #isLooking = false;
  #isGone = false;

  constructor(clock: Clock, paths: readonly string[], observer: FolderObserver) {
    this.#files = new OpenFiles(paths);
    this.#observer = observer;
    this.#stopTimer = clock.every(everyMs, () => void this.#look());
  }

  stop(): void {
    this.#stopTimer();
  }

  /** One at a time: a disk that does not answer must not gather them. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const name = await this.#files.lookForMissing();
    this.#isLooking = false;
    if ((name !== null) === this.#isGone) return;
    this.#isGone = name !== null;
    if (name === null) this.#observer.back();
    else this.#observer.gone(name);
  }
}
