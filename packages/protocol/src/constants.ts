// Tables, limits and functions without schemas: who imports these goes without TypeBox, whose 300 modules take a thread 150 ms to load.
export * from "./command-actions.ts";
export * from "./command-status.ts";
export * from "./decimal.ts";
export * from "./describe-misfit.ts";
export * from "./device-id.ts";
export * from "./disconnects.ts";
export * from "./fleet.ts";
export * from "./limits.ts";
export * from "./name-patterns.ts";
export * from "./paths.ts";
export * from "./points.ts";
export * from "./refusals.ts";
export * from "./rfc3339.ts";
export * from "./sections.ts";
export * from "./smart-os.ts";
export * from "./standing.ts";
export * from "./states.ts";
