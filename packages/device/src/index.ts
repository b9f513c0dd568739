export { type Clock, systemClock } from "./clock.ts";
export { type CommandHandler, CommandRejected } from "./command-inbox.ts";
export { type CommandMemory, fileCommandMemory, type RememberedCommand } from "./command-memory.ts";
export { connectDevice } from "./connect-device.ts";
export type { Device, DeviceCounters, DeviceStatus } from "./device.ts";
export type { DeviceNotice, NoticeCode } from "./device-notice.ts";
export type { DeviceOptions } from "./device-options.ts";
export { type FileJournalOptions, fileJournal } from "./file-journal.ts";
export type {
  JournalContext,
  JournalGap,
  JournalOpener,
  JournalPart,
  JournalSample,
  SampleJournal,
} from "./journal.ts";
export { JournalError } from "./journal-folder.ts";
export { memoryJournal } from "./memory-journal.ts";
export type { Outage, OutageCode } from "./outage.ts";
export type { PeerHandlers, PeerSample } from "./peer-inbox.ts";
export { DeviceConfigurationError } from "./resolve-options.ts";
export type { Sample } from "./sample.ts";
export { fileTokenStore, type TokenStore } from "./token-store.ts";
export type { Connection, ConnectionEvents, Transport } from "./transport.ts";
