/**
 * What may be wrong with a value of a message, or with its time. `isKept` says that it is stored as it came and marked; else it is left out, and
 * the rest of the message goes on without it.
 */
export const valueFaults = {
  not_a_number: { isKept: false, message: "NaN or infinite: no number." },
  wrong_kind: { isKept: false, message: "Another kind of value than the point holds." },
  nested_value: {
    isKept: false,
    message: "A list or an object; only flat lists of up to 128 numbers become points (name_1, name_2, …).",
  },
  invalid_name: { isKept: false, message: "The name is not 1 to 64 letters, digits or underscores, first a letter." },
  text_too_long: { isKept: false, message: "The text has more than 256 characters." },
  too_many_flags: { isKept: false, message: "More than 32 error flags; the first 32 are kept." },
  too_many_points: {
    isKept: false,
    message: "More points outside the catalogue than a device may have (limits.points).",
  },
  beyond_belief: {
    isKept: false,
    message: "No measurement: beyond what the point, or a device of this rating, can show.",
  },
  not_available: {
    isKept: false,
    message: 'A code for "not available" (such as 65535 or 4294967295), and no measurement.',
  },
  outside_range: { isKept: true, message: "A little outside the usual range; kept as it came." },
  time_without_offset: { isKept: true, message: "The time says no offset from UTC, and is read as UTC." },
  no_readable_time: { isKept: true, message: "No time that can be read; filed under the time of receipt." },
} as const satisfies Record<string, { readonly isKept: boolean; readonly message: string }>;

export type ValueFault = keyof typeof valueFaults;
