import type { Audit } from "../access/audit/audit.ts";
import type { Authorizer } from "../access/authorizer.ts";
import type { Clock } from "../base/clock.ts";
import type { NewId } from "../base/random-id.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import type { AnswerBudget } from "../http/answer-budget.ts";
import type { Log } from "../observe/log.ts";
import type { Store } from "../store/store.ts";
import type { BackupSource } from "../transfer/backup/backup.ts";

/** What the routes of what is kept work on: `/export`, `/import`, `/store` and `/backups`. */
export interface ArchiveParts extends Pick<BackupSource, "copyRest"> {
  readonly audit: Audit;
  readonly authorizer: Authorizer;
  readonly budget: AnswerBudget;
  readonly clock: Clock;
  /** Copies that a backup makes lie here until they are fetched. */
  readonly dataDir: string;
  readonly devices: DeviceRegistry;
  readonly log: Log;
  readonly newId?: NewId;
  readonly store: Store;
}
