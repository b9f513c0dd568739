import { join } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { Failure } from "../base/failure.ts";
import { WorkerClient } from "../base/worker-client.ts";
import { workerUrl } from "../base/worker-url.ts";
import { alarmsFileName } from "./alarm-database.ts";
import type { AlarmMember } from "./alarm-record.ts";
import type { AlarmRow, AlarmStore, EndedAlarm, EndedQuery, MembersQuery, PersistedAlarms } from "./alarm-store.ts";

/** What the thread of `alarms.db` does. */
export interface AlarmMethods {
  load(): PersistedAlarms;
  commit(rows: readonly AlarmRow[]): void;
  listEnded(query: EndedQuery): EndedAlarm[];
  find(alarmId: string, keys?: readonly string[]): EndedAlarm | null;
  listMembers(number: number, query: MembersQuery): AlarmMember[];
  copyTo(path: string): void;
}

/** Questions that may wait at once; one more is refused. Commits are not refused: there is one at a time. */
const questionsMax = 200;

/** Keeps alarms in `alarms.db`, on a thread of its own. The folder's lock is held by the caller. */
export class AlarmStoreClient implements AlarmStore {
  readonly #thread: WorkerClient<AlarmMethods>;

  private constructor(path: string, clock: Clock) {
    this.#thread = new WorkerClient({
      url: workerUrl(import.meta.url, "./alarm-database-worker"),
      setup: () => ({ data: path }),
      clock,
      name: "the thread of the alarms",
      endedCode: "alarms_failed",
    });
  }

  /** Opens `alarms.db` in `dataDir`, making it where there is none. Throws a `Failure`: `alarms_failed`. */
  static async open(dataDir: string, clock: Clock = systemClock): Promise<AlarmStoreClient> {
    const client = new AlarmStoreClient(join(dataDir, alarmsFileName), clock);
    await client.#thread.start();
    return client;
  }

  async load(): Promise<PersistedAlarms> {
    return await this.#asked().call("load");
  }

  commit(rows: readonly AlarmRow[]): Promise<void> {
    return this.#thread.call("commit", rows);
  }

  async listEnded(query: EndedQuery): Promise<EndedAlarm[]> {
    return await this.#asked().call("listEnded", query);
  }

  async find(alarmId: string, keys?: readonly string[]): Promise<EndedAlarm | null> {
    return await this.#asked().call("find", alarmId, keys);
  }

  async listMembers(number: number, query: MembersQuery): Promise<AlarmMember[]> {
    return await this.#asked().call("listMembers", number, query);
  }

  /** Writes a consistent copy to a new file. Rejects with a `Failure`, `alarms_failed`. */
  async copyTo(path: string): Promise<void> {
    await this.#asked().call("copyTo", path);
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  /** The thread, if it can be asked one question more. */
  #asked(): WorkerClient<AlarmMethods> {
    if (this.#thread.pendingCount < questionsMax) return this.#thread;
    throw new Failure("alarms_failed", "Too many questions about alarms wait already.");
  }
}
