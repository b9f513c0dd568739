import { homedir } from "node:os";
import { join } from "node:path";
import { fileJournal } from "./file-journal.ts";
import type { JournalOpener } from "./journal.ts";
import { memoryJournal } from "./memory-journal.ts";

/** Where the journal of a device is if nobody says where: a folder for each device, as `wattboard-device` has it. */
export function defaultJournalFolder(deviceId: string): string {
  const { WATTBOARD_JOURNALS: journals = "", XDG_STATE_HOME: state = "" } = process.env;
  if (journals !== "") return join(journals, deviceId);
  return join(state === "" ? join(homedir(), ".local", "state") : state, "wattboard-device", deviceId);
}

/** On the disk; in memory, and told, where the folder cannot be had: nobody has asked for that very one. */
export const defaultJournal: JournalOpener = (context) => {
  const folder = defaultJournalFolder(context.deviceId);
  try {
    return fileJournal(folder)(context);
  } catch (error) {
    const message = `The journal is kept in memory, and ends with the program: ${error instanceof Error ? error.message : String(error)}`;
    context.tell("warn", "journal_in_memory", message, error);
    return memoryJournal()(context);
  }
};
