import { createHash } from "node:crypto";

/** What was done. Every text is bounded before it gets here. */
export interface AuditRow {
  readonly seq: number;
  readonly atMs: number;
  /** Who: `person ann`, `token deploy`, `local`. */
  readonly who: string;
  /** From which address; empty: from this machine's command line. */
  readonly address: string;
  /** `device.add`, `person.change`, `sign_in`, … */
  readonly action: string;
  readonly deviceId: string | null;
  /** Whom or what it was done to, where that is no device: a person, a token, a share link. */
  readonly target: string | null;
  /** `done`, or the code of the refusal. */
  readonly outcome: string;
  /** What else there is to say; holds no secrets. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** A row with its place in the chain. */
export interface ChainedRow extends AuditRow {
  readonly hash: string;
}

/** What the first row is chained to. */
export const chainStart = "0".repeat(64);

/** SHA-256 over the hash of the row before and this row's values, as a JSON array in this order, in hexadecimal. */
export function chainHash(previousHash: string, row: AuditRow): string {
  const { seq, atMs, who, address, action, deviceId, target, outcome, detail } = row;
  const canonical = JSON.stringify([
    seq,
    atMs,
    who,
    address,
    action,
    deviceId,
    target,
    outcome,
    JSON.stringify(detail),
  ]);
  return createHash("sha256").update(previousHash).update(canonical).digest("hex");
}

/** Follows a chain row by row. */
export class ChainWalk {
  rows = 0;
  lastSeq = 0;
  lastHash = chainStart;
  /** The first thing that is wrong, in words; null while nothing is. */
  fault: string | null = null;

  /** Begins where an older part, which is not there any more, ended. */
  beginAfter(seq: number, hash: string): void {
    this.lastSeq = seq;
    this.lastHash = hash;
  }

  take(row: ChainedRow): void {
    this.rows++;
    if (row.seq !== this.lastSeq + 1) {
      this.fault ??= `after row ${this.lastSeq} comes row ${row.seq}: rows between them are missing`;
    } else if (chainHash(this.lastHash, row) !== row.hash) {
      this.fault ??= `row ${row.seq} was changed, or a row before it`;
    }
    this.lastSeq = row.seq;
    this.lastHash = row.hash;
  }
}
