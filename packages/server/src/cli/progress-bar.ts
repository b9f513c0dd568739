const width = 24;
const redrawMs = 100;

/** A bar on standard error, where that is a terminal; elsewhere nothing, so that logs stay short. */
export class ProgressBar {
  readonly #stream = process.stderr;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  /** `share` is from 0 to 1, or null where the end is not known. */
  show(share: number | null, text: string): void {
    if (!this.#stream.isTTY || performance.now() - this.#drawnAtMs < redrawMs) return;
    this.#drawnAtMs = performance.now();
    const line = `${share === null ? "" : `${bar(share)} `}${text}`;
    this.#stream.write(`\r\x1b[K${line.slice(0, Math.max(20, this.#stream.columns - 1))}`);
  }

  /** Takes the bar away again. */
  end(): void {
    if (this.#stream.isTTY) this.#stream.write("\r\x1b[K");
  }
}

/** `[████····] 50 %` */
export function bar(share: number): string {
  const within = Math.min(1, Math.max(0, share));
  const full = Math.round(within * width);
  return `[${"█".repeat(full)}${"·".repeat(width - full)}] ${Math.floor(within * 100)} %`;
}

/** `12.3 MB` */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1_000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}
