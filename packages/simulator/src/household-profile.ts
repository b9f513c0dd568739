/** How a building lives through a day. */
export type Occupancy = "household" | "business";

/** Share of the day's liveliest moment, hour by hour, in local time. */
const curves: Readonly<
  Record<Occupancy, { readonly workday: readonly number[]; readonly weekend: readonly number[] }>
> = {
  household: {
    // Two peaks: breakfast and the evening.
    workday: [
      0.12, 0.08, 0.06, 0.06, 0.08, 0.22, 0.55, 0.65, 0.4, 0.25, 0.22, 0.25, 0.34, 0.28, 0.24, 0.28, 0.42, 0.66, 0.9, 1,
      0.95, 0.75, 0.48, 0.25,
    ],
    weekend: [
      0.18, 0.12, 0.08, 0.06, 0.06, 0.08, 0.16, 0.32, 0.55, 0.68, 0.65, 0.62, 0.72, 0.62, 0.5, 0.48, 0.55, 0.72, 0.92,
      1, 0.92, 0.76, 0.55, 0.34,
    ],
  },
  business: {
    workday: [
      0.06, 0.06, 0.06, 0.06, 0.08, 0.15, 0.4, 0.75, 0.95, 1, 1, 0.95, 0.8, 0.92, 1, 0.95, 0.8, 0.5, 0.28, 0.18, 0.12,
      0.1, 0.08, 0.06,
    ],
    weekend: [
      0.06, 0.06, 0.06, 0.06, 0.06, 0.08, 0.1, 0.14, 0.18, 0.2, 0.2, 0.2, 0.18, 0.18, 0.16, 0.14, 0.12, 0.1, 0.08, 0.08,
      0.08, 0.06, 0.06, 0.06,
    ],
  },
};

/** How busy the building is at a local hour of the day (0 to 24), from 0 to 1, joined by straight lines. */
export function householdProfile(occupancy: Occupancy, hourOfDay: number, weekend: boolean): number {
  const curve = weekend ? curves[occupancy].weekend : curves[occupancy].workday;
  const hour = Math.floor(hourOfDay) % 24;
  const share = hourOfDay - Math.floor(hourOfDay);
  const from = curve[hour] ?? 0;
  const to = curve[(hour + 1) % 24] ?? 0;
  return from + (to - from) * share;
}
