import type { PointName } from "./points.ts";

/** The second dialect: what SMART-OS's devices ("SolMates") and web clients speak. */

/** Where its doors are, with or without the last slash. */
export const smartOsPaths = { update: "/update/", client: "/client/" } as const;

/** The first frame on each door. */
export const smartOsWelcomes = {
  update: "Welcome to SMART-Server - SolMate Real-Time ObServer! - SolServerConsumer: groups ['updates']",
  client: "Welcome to SMART-Server - SolMate Real-Time ObServer! - ClientConsumer: groups ['broadcast']",
} as const;

/** What a frame may be. SMART-OS had the first four; `CMND` is remote control, `PEER` the channel from device to device. */
export const smartOsTypes = ["INFO", "FILT", "INIT", "UPDT", "CMND", "PEER"] as const;
export type SmartOsType = (typeof smartOsTypes)[number];

/** The section of the telemetry that holds what the catalogue has no point for: `smart_os.capacity`. */
export const smartOsSection = "smart_os";

/** The property, given by an administrator, of a device that may come in by the SMART-OS door without a token. */
export const smartOsDialect = { key: "dialect", value: "smart-os" } as const;

/** Whether a device with these properties was taken in as one of SMART-OS: it has no clock that it tells. */
export function isOfSmartOs(properties: Readonly<Record<string, string>>): boolean {
  return properties[smartOsDialect.key] === smartOsDialect.value;
}

export interface SmartOsField {
  readonly name: string;
  readonly kind: "text" | "number";
  /** Whether the server keeps it as a property of the device, or as a point of its samples; or tells it itself. */
  readonly kept: "property" | "point" | "server";
  /** The point, for what is kept as one; else it stands in the section of the dialect. */
  readonly point?: PointName;
  readonly meaning: string;
}

/** The fields that SMART-OS knew, in the order of its dataset. Others are welcome. */
export const smartOsFields: readonly SmartOsField[] = [
  { name: "serial_number", kind: "text", kept: "server", meaning: "The device's id" },
  { name: "software_version", kind: "text", kept: "property", meaning: "" },
  { name: "country", kind: "text", kept: "property", meaning: "" },
  { name: "postcode", kind: "text", kept: "property", meaning: "" },
  {
    name: "manufacturing_date",
    kind: "text",
    kept: "property",
    meaning: "When it was registered, where the device does not say",
  },
  { name: "power_income", kind: "number", kept: "point", point: "solar.power", meaning: "W" },
  { name: "power_inject", kind: "number", kept: "point", point: "inverter.power", meaning: "W" },
  { name: "power_consumption", kind: "number", kept: "point", point: "load.power", meaning: "W" },
  { name: "battery", kind: "number", kept: "point", point: "battery.soc", meaning: "%, where it is one" },
  { name: "last_status_update", kind: "text", kept: "server", meaning: "When the server received the last sample" },
  { name: "solmate_version", kind: "text", kept: "property", meaning: "" },
  { name: "pv_connectors", kind: "number", kept: "property", meaning: "" },
  { name: "local_time", kind: "text", kept: "point", meaning: "The device's own clock, as it wrote it" },
];

/** What `solmate.py` sends of its own insides in an INIT; nobody wants to see it, and it is left out. */
export const smartOsInternals: readonly string[] = [
  "connected",
  "last_status_update",
  "message_id",
  "message_queue",
  "publish",
  "serial_number",
  "server_url",
  "statusdata_ptr",
  "tasks",
  "websocket",
];

/** Properties that only an administrator may give: a device that says them of itself is not listened to. */
export const givenPropertiesOnly: readonly string[] = ["dialect", "peers", "simulated", "site"];

/** How a query of a web client compares: `filter:NAME:OP:VALUE`. */
export const smartOsOperators = {
  "=": "contains, whatever the case",
  "==": "is the same number; of texts, the same text",
  "^": "starts with, whatever the case",
  "<": "is less than",
  ">": "is more than",
  "<=": "is at most",
  ">=": "is at least",
} as const;
export type SmartOsOperator = keyof typeof smartOsOperators;
