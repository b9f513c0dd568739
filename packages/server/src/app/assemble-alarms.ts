import { logAlarms } from "../alarms/alarm-log.ts";
import { Alarms } from "../alarms/alarms.ts";
import { CoverageBefore } from "../alarms/coverage-before.ts";
import { checkServer } from "../alarms/server-checks.ts";
import { CertificateWatch } from "../observe/certificate-watch.ts";
import type { AssembledCommands } from "./assemble-commands.ts";
import type { Defer } from "./closing.ts";

export type AlarmParts = ReturnType<typeof assembleAlarms>;

/** Alarms, and what of the server is told to them. */
export function assembleAlarms(defer: Defer, parts: AssembledCommands) {
  const { config, clock, newId, alarmStore, apiTokens, clockWatch, devices, events, health, latest } = parts;
  const { log, machine, presence, registry, rollouts } = parts;
  const alarmLog = logAlarms(parts);
  const alarms = new Alarms({
    clock,
    newId,
    store: alarmStore,
    observer: alarmLog,
    devices,
    latest,
    isOnline: (deviceId) => registry.find(deviceId) !== undefined,
    offlineSinceMs: (deviceId) => presence.offlineSinceMs(deviceId),
  });
  defer("the journal of alarms", async (graceMs) => {
    if (!(await alarms.journal.drain(graceMs))) log.error("the last steps of some alarms were not stored in time");
  });
  defer("alarms", () => alarms.stop());
  alarms.watch(alarmLog);
  alarms.watch(
    new CoverageBefore({
      store: parts.store,
      registrationOf: (deviceId) => devices.find(deviceId)?.registration,
      found: (alarmId, coverage) => alarms.book.setCoverage(alarmId, coverage),
    }),
  );
  clockWatch.watch((stepMs) => alarms.serverStepped(stepMs));
  events.watch((kind, deviceId, message) => {
    if (kind === "contested" || kind === "values_left_out") alarms.tellDevice(kind, deviceId, { event: message });
  });
  rollouts.watch(({ fleetCommandId, action, cause }) => {
    const words = `The fleet command ${action} has stopped itself: ${cause}`;
    alarms.telling.begin("fleet_command_stopped", fleetCommandId, words, { fleet_command_id: fleetCommandId });
  });
  const certificate = new CertificateWatch(clock, config.tls.cert);
  defer("the look at the certificate", () => certificate.stop());
  alarms.addCheck(
    checkServer({
      store: () => health.report().store,
      disk: () => machine,
      certificateUntilMs: () => certificate.untilMs,
      tokens: () => apiTokens.list(),
    }),
  );
  return { ...parts, alarms };
}
