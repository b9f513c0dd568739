import { formatNumber, type Quantity } from "./format-number.ts";

const units = ["B", "kB", "MB", "GB", "TB"];

/** `512 B`, `1.5 MB` */
export function formatSize(bytes: number): string {
  const { value, unit } = scaleSize(bytes);
  return `${value} ${unit}`;
}

function scaleSize(bytes: number): Quantity {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return { value: formatNumber(bytes / 1_000 ** power, power === 0 ? 0 : 1), unit: units[power] ?? "" };
}
