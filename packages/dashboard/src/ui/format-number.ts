import { locale } from "./locale.ts";

const formats = new Map<number, Intl.NumberFormat>();

/** A number with groups of thousands, exactly `digits` after the point, and a true minus sign. */
export function formatNumber(value: number, digits: number): string {
  let format = formats.get(digits);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    formats.set(digits, format);
  }
  // A value that rounds to zero has no sign; "-0" would look like a direction.
  const rounded = Math.abs(value) < 0.5 / 10 ** digits ? 0 : value;
  return format.format(rounded).replace("-", "−");
}

export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

/** A number with three or four telling digits and the unit prefix that allows it: `558 W`, `1.23 kW`, `45.6 kW`, `1.20 MW`. */
export function scaleQuantity(value: number, unit: string): Quantity {
  const size = Math.abs(value);
  if (size < 999.5) return { value: formatNumber(value, 0), unit };
  const [scaled, prefix] = size < 999_500 ? [value / 1_000, "k"] : [value / 1_000_000, "M"];
  const digits = Math.abs(scaled) < 9.995 ? 2 : Math.abs(scaled) < 99.95 ? 1 : 0;
  return { value: formatNumber(scaled, digits), unit: `${prefix}${unit}` };
}
