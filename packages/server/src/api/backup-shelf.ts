import { rmSync } from "node:fs";
import type { BackupBody, BackupsBody } from "@wattboard/protocol";
import type { CancelTimer, Clock } from "../base/clock.ts";
import { isoTime } from "../base/iso-time.ts";
import { removeLeftOver, temporaryPath } from "../base/temporary-files.ts";
import type { Manifest } from "../transfer/backup/backup.ts";

interface Shelved {
  readonly id: string;
  readonly folder: string;
  /** How far it is. */
  share: number;
  /** Null until it is whole. */
  manifest: Manifest | null;
  /** Those who fetch or verify it just now. */
  users: number;
  /** When it goes by itself, while nobody uses it. */
  expiresAtMs: number;
  cancelExpiry: CancelTimer;
}
type Whole = Shelved & { readonly manifest: Manifest };

/** A copy that nobody uses goes after this time. */
const keptMsMax = 60 * 60_000;

/** Where the copy lies that a backup makes, in the data folder, until it is fetched. There is room for one: each takes as much of the disk as the store. */
export class BackupShelf {
  readonly #clock: Clock;
  readonly #dataDir: string;
  #shelved: Shelved | null = null;

  /** Removes what a server before has left there. */
  constructor(clock: Clock, dataDir: string) {
    this.#clock = clock;
    this.#dataDir = dataDir;
    removeLeftOver(dataDir);
  }

  /** A new one, to be made; null where one is there. */
  begin(id: string): Shelved | null {
    if (this.#shelved !== null) return null;
    const folder = temporaryPath(this.#dataDir, id);
    this.#shelved = { id, folder, share: 0, manifest: null, users: 0, expiresAtMs: 0, cancelExpiry: () => {} };
    return this.#shelved;
  }

  /** It is whole now. */
  put(made: Shelved, manifest: Manifest): void {
    made.manifest = manifest;
    this.#expire(made);
  }

  /** The backup of that id, once it is whole. */
  find(id: string): Whole | null {
    const shelved = this.#shelved;
    return shelved?.id === id && shelved.manifest !== null ? (shelved as Whole) : null;
  }

  /** The same, for somebody who needs it until they let it go. */
  use(id: string): Whole | null {
    const found = this.find(id);
    if (found === null) return null;
    found.cancelExpiry();
    found.users++;
    return found;
  }

  letGo(used: Shelved): void {
    used.users--;
    this.#expire(used);
  }

  clear(): void {
    const shelved = this.#shelved;
    this.#shelved = null;
    shelved?.cancelExpiry();
    if (shelved !== null) rmSync(shelved.folder, { recursive: true, force: true });
  }

  list(): BackupsBody {
    const shelved = this.#shelved;
    if (shelved === null) return { making: null, backups: [] };
    const { manifest, share } = shelved;
    if (manifest === null) return { making: share, backups: [] };
    return { making: null, backups: [backupBody(shelved, manifest)] };
  }

  #expire(shelved: Shelved): void {
    if (this.#shelved !== shelved || shelved.users > 0) return;
    shelved.expiresAtMs = this.#clock.wallMs() + keptMsMax;
    shelved.cancelExpiry = this.#clock.after(keptMsMax, () => this.clear());
  }
}

function backupBody({ id, users, expiresAtMs }: Shelved, { made_at, store, files }: Manifest): BackupBody {
  return {
    backup_id: id,
    made_at,
    kept_until: users > 0 ? null : isoTime(expiresAtMs),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    samples: store.samples,
    note: store.note,
    files,
  };
}
