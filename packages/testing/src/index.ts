export { DuplexLink, duplexTransport } from "./duplex-link.ts";
export { eventually, inTime, patience } from "./eventually.ts";
export { ManualClock } from "./manual-clock.ts";
export { type ServerLink, startServer, type TestServer } from "./start-server.ts";
