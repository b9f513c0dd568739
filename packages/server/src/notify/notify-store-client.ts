import { join } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import { WorkerClient } from "../base/worker-client.ts";
import { workerUrl } from "../base/worker-url.ts";
import { notifyFileName } from "./notify-database.ts";
import type { NotificationRecord, NotificationsQuery, NotifyRow, NotifyStore, PersistedNotify } from "./records.ts";

/** What the thread of `notify.db` does. */
export interface NotifyMethods {
  load(sentSinceMs: number): PersistedNotify;
  commit(rows: readonly NotifyRow[]): void;
  list(query: NotificationsQuery): { number: number; record: NotificationRecord }[];
  copyTo(path: string): void;
}

/** Questions that may wait at once; one more is refused. Commits are not refused: there is one at a time. */
const questionsMax = 1_000;

/** Keeps channels and notifications in `notify.db`, on a thread of its own. The folder's lock is held by the caller. */
export class NotifyStoreClient implements NotifyStore {
  readonly #thread: WorkerClient<NotifyMethods>;

  private constructor(path: string, clock: Clock) {
    this.#thread = new WorkerClient({
      url: workerUrl(import.meta.url, "./notify-database-worker"),
      setup: () => ({ data: path }),
      clock,
      name: "the thread of the notifications",
      endedCode: "notify_failed",
    });
  }

  /** Opens `notify.db` in `dataDir`, making it where there is none. Throws a `Failure`: `notify_failed`. */
  static async open(dataDir: string, clock: Clock = systemClock): Promise<NotifyStoreClient> {
    const client = new NotifyStoreClient(join(dataDir, notifyFileName), clock);
    await client.#thread.start();
    return client;
  }

  async load(sentSinceMs: number): Promise<PersistedNotify> {
    return await this.#asked().call("load", sentSinceMs);
  }

  commit(rows: readonly NotifyRow[]): Promise<void> {
    return this.#thread.call("commit", rows);
  }

  async list(query: NotificationsQuery): Promise<{ number: number; record: NotificationRecord }[]> {
    return await this.#asked().call("list", query);
  }

  /** Writes a consistent copy to a new file. Rejects with a `Failure`, `notify_failed`. */
  async copyTo(path: string): Promise<void> {
    await this.#asked().call("copyTo", path);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  /** The thread, if it can be asked one question more. */
  #asked(): WorkerClient<NotifyMethods> {
    if (this.#thread.pendingCount < questionsMax) return this.#thread;
    throw new Failure("notify_failed", "Too many questions about notifications wait already.");
  }
}
