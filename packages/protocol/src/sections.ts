/** At least one of these must be in a message. */
export const sectionNames = ["system_status", "battery", "grid", "solar", "load", "inverter"] as const;
export type SectionName = (typeof sectionNames)[number];
