export { DuplexLink, duplexTransport } from "./duplex-link.ts";
export { eventually } from "./eventually.ts";
export { ManualClock } from "./manual-clock.ts";
export { ManualSdkClock } from "./manual-sdk-clock.ts";
export { ManualTurns } from "./manual-turns.ts";
export { inTime } from "./patience.ts";
export { type ServerLink, startServer, type TestServer } from "./start-server.ts";
