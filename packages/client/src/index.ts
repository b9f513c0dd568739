export type { Clock } from "./clock.ts";
export { connectFleet, type Fleet, type FleetOptions } from "./connect-fleet.ts";
export { connectTelemetry, type TelemetryOptions } from "./connect-telemetry.ts";
export type { SampleInfo, SampleOrigin, StreamGap } from "./samples.ts";
export type { Stream, StreamError, StreamOptions, StreamStatus } from "./stream.ts";
