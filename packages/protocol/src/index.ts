export * from "./api.ts";
export * from "./capabilities.ts";
export * from "./command.ts";
export * from "./command-api.ts";
export * from "./constants.ts";
export * from "./people.ts";
export * from "./subprotocol.ts";
export * from "./telemetry.ts";
