import type { Scalar, SectionName, Telemetry } from "@wattboard/protocol";

/**
 * A section's own fields beside the known ones; each becomes a point by itself (`battery.cycle_count`). Lists are for the error flags alone:
 * anywhere else they are left out (`nested_value`), but for flat lists of numbers, which become points (`cell_voltages_1`).
 */
type Fields = { readonly [field: string]: Scalar | readonly string[] | undefined };

/**
 * What an author measures: one telemetry message without the id, which the SDK adds. At least one of the known sections must
 * be there. Units are V, A, W, Hz, %, °C; `battery.power` and `battery.current` are positive while charging, `grid.power`
 * while importing. A value that is null (or NaN) says that there is none just now.
 */
export type Sample = {
  readonly [Name in SectionName]?: NonNullable<Telemetry[Name]> & Fields;
} & {
  /** RFC 3339, when the values were measured; the present time where it is left out. */
  readonly timestamp?: string;
  /** Sections of your own. */
  readonly [section: string]: Fields | string | undefined;
};
