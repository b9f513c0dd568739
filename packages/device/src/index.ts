export { type Clock, systemClock } from "./clock.ts";
export { type CommandHandler, CommandRejected } from "./command-inbox.ts";
export { type CommandMemory, fileCommandMemory, type RememberedCommand } from "./command-memory.ts";
export { connectDevice } from "./connect-device.ts";
export type { Device, DeviceCounters, DeviceStatus } from "./device.ts";
export type { DeviceNotice, DeviceOptions, NoticeCode } from "./device-options.ts";
export type { Outage, OutageCode } from "./outage.ts";
export { DeviceConfigurationError } from "./resolve-options.ts";
export type { Sample } from "./sample.ts";
