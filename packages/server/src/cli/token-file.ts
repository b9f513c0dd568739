import { existsSync } from "node:fs";
import { generateToken } from "../access/tokens.ts";
import { readCsvFile, writeCsvFile } from "./csv-file.ts";

const columns = ["id", "token", "outcome"];

/**
 * What becomes of many devices, and their tokens. The tokens are made here, and stand in the file before the server has them: whatever ends in
 * between, they are known, and the same command with the same file goes on where it was.
 */
export class TokenFile {
  readonly #path: string;
  readonly #rows = new Map<string, { token: string; outcome: string }>();

  constructor(path: string) {
    this.#path = path;
    if (!existsSync(path)) return;
    for (const { cells } of readCsvFile(path)) {
      const { id = "", token = "", outcome = "" } = cells;
      if (id !== "") this.#rows.set(id, { token, outcome });
    }
  }

  /** The token of each, one of before where the file has it; `own` ones are taken as they are. */
  prepare(ids: readonly string[], own: ReadonlyMap<string, string> = new Map()): void {
    for (const id of ids) {
      const token = own.get(id) ?? (this.#rows.get(id)?.token || generateToken());
      this.#rows.set(id, { token, outcome: "not done yet" });
    }
    this.save();
  }

  tokenOf(id: string): string {
    return this.#rows.get(id)?.token ?? "";
  }

  /** Says what became of a device; `token`: only where another than its own is meant, such as none. */
  note(id: string, outcome: string, token = this.tokenOf(id)): void {
    this.#rows.set(id, { token, outcome });
  }

  /** How many of these ended in which way; what differs behind a colon counts as one. */
  count(ids: readonly string[]): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const id of ids) {
      const [outcome = ""] = (this.#rows.get(id)?.outcome ?? "").split(/[:;]/, 1);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    }
    return counts;
  }

  save(): void {
    writeCsvFile(
      this.#path,
      columns,
      [...this.#rows].map(([id, { token, outcome }]) => [id, token, outcome]),
    );
  }
}
