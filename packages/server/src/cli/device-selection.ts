import { conditionTest, type DeviceBody, isRefusal, parseConditions } from "@wattboard/protocol";
import type { Command } from "commander";
import type { AdminClient } from "./admin-client.ts";
import { readCsvFile } from "./csv-file.ts";
import { CommandRefused, WrongUsage } from "./report.ts";

/** Which devices a command is about: named, of a file, those that meet conditions, or all. */
export interface SelectionOptions {
  readonly all?: boolean;
  readonly where?: readonly string[];
  readonly fromFile?: string;
}

export function addSelectionOptions(command: Command): Command {
  return command
    .option("--all", "all devices")
    .option(
      "--where <condition>",
      'those that meet it, such as "properties.site = harbour", "id ^ ems_"; may be given again, all must be met',
      (condition: string, before: string[] = []) => [...before, condition],
    )
    .option("--from-file <file>", "those of a CSV with a column id");
}

/** Whether many may be meant, so that what comes of it goes to a file. */
export function isOfMany(ids: readonly string[], { all, where, fromFile }: SelectionOptions): boolean {
  return ids.length > 1 || all === true || where !== undefined || fromFile !== undefined;
}

/** The devices that are meant, by id. Throws where the selection is none, or names one that is not registered. */
export async function selectRegistered(
  administration: AdminClient,
  ids: readonly string[],
  { all, where, fromFile }: SelectionOptions,
): Promise<DeviceBody[]> {
  const ways = [ids.length > 0, all === true, where !== undefined, fromFile !== undefined].filter(Boolean).length;
  if (ways !== 1) throw new WrongUsage("Name the devices, or take one of --all, --where and --from-file.");
  const registered = await administration.listDevices();
  if (all === true) return registered;
  if (where !== undefined) return registered.filter(whereTest(where));
  const named = fromFile === undefined ? ids : idsOf(fromFile);
  const byId = new Map(registered.map((device) => [device.device_id, device]));
  return [...new Set(named)].map((deviceId) => {
    const device = byId.get(deviceId);
    if (device === undefined)
      throw new WrongUsage(`No device ${JSON.stringify(deviceId)} is registered. Nothing was done.`);
    return device;
  });
}

function idsOf(path: string): string[] {
  return readCsvFile(path).map(({ line, cells: { id = "" } }) => {
    if (id === "") throw new WrongUsage(`${path}, line ${line}: the column id is missing, or empty.`);
    return id;
  });
}

/** What is measured is left out: a token must not depend on what the sun does. */
function whereTest(where: readonly string[]): (device: DeviceBody) => boolean {
  const conditions = parseConditions([...where]);
  if (isRefusal(conditions)) throw new CommandRefused(conditions);
  const tests = conditions.map((condition) => ({ field: condition.field, test: conditionTest(condition) }));
  const odd = tests.find(({ field }) => !/^(id|name|online|properties\..+)$/.test(field));
  if (odd !== undefined) {
    throw new WrongUsage(`Devices are picked by id, name, online and properties.NAME here, and not by ${odd.field}.`);
  }
  return (device) => tests.every(({ field, test }) => test(registeredField(device, field)) === "meets");
}

function registeredField(device: DeviceBody, field: string): string | boolean {
  if (field === "id") return device.device_id;
  if (field === "name" || field === "online") return device[field];
  return device.properties[field.slice("properties.".length)] ?? "";
}
