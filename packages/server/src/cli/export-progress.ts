import type { ExportQuery } from "../transfer/export/export-query.ts";
import { formatBytes, ProgressBar } from "./progress-bar.ts";

/** Shows how far an export is. A CSV tells it by its last row; Parquet does not, and only its size is shown. */
export class ExportProgress {
  readonly #bar = new ProgressBar();
  readonly #query: ExportQuery;
  #bytes = 0;
  #share: number | null;
  #lastRow: { readonly deviceId: string; readonly time: string } | null = null;

  constructor(query: ExportQuery) {
    this.#query = query;
    this.#share = query.format === "csv" ? 0 : null;
  }

  note(piece: string | Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#query.format === "csv") this.#share = this.#shareAt(piece) ?? this.#share;
    this.#bar.show(this.#share, `${formatBytes(this.#bytes)} exported`);
  }

  /** The newest row that was written, where it can be told. */
  get lastRow(): { readonly deviceId: string; readonly time: string } | null {
    return this.#lastRow;
  }

  end(): void {
    this.#bar.end();
  }

  #shareAt(piece: string | Uint8Array): number | null {
    const text = typeof piece === "string" ? piece : Buffer.from(piece.subarray(-4_096)).toString("latin1");
    const [, deviceId = "", time = ""] =
      [...text.slice(-4_096).matchAll(/\n([\w.-]+),(\d{4}-[\d:T.-]+Z),/g)].at(-1) ?? [];
    const place = this.#query.deviceIds.indexOf(deviceId);
    if (place === -1) return null;
    this.#lastRow = { deviceId, time };
    const { fromMs, toMs, deviceIds } = this.#query;
    // Where no --from is given the first sample's time is not known: devices are counted.
    const within = fromMs === 0 ? 0 : (Date.parse(time) - fromMs) / (toMs - fromMs);
    return (place + within) / deviceIds.length;
  }
}
