export { storeLimits } from "./app/open-store.ts";
export { type Switchboard, type SwitchboardOptions, startSwitchboard } from "./app/switchboard.ts";
export { type Clock, systemClock } from "./base/clock.ts";
export { Failure, type FailureCode } from "./base/failure.ts";
export { type Config, loadConfig, type Setting, settings } from "./config/config.ts";
export type { Provisioned } from "./devices/device-registry.ts";
export { EmbeddedStore } from "./store/embedded/embedded-store.ts";
export type { SamplesQuery, Store, StoredSample } from "./store/store.ts";
