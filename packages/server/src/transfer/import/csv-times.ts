import { FoldOrder, LocalTime } from "./local-time.ts";
import { compileTimeFormat, readAnyTime, type TimeReader, timeText } from "./time-format.ts";

/** Reads the times of a file. */
export interface CsvTimes {
  /**
   * Ms since 1970 UTC, or what is wrong, to be read behind the text. With a device, its rows tell in their order which of the two hours is
   * meant in a night in which clocks are set back.
   */
  read(text: string, deviceId: string | null): number | string;
}

const dateAndTime = /^\d{1,2}\/\d{1,2}\/\d{2,4}/;
const serial = /^\d{5}(?:[.,]\d{1,15})?$/;

/** `head`: the times of the file's first rows, which tell whether it begins with its newest row. Throws a RangeError for a format that is none. */
export function csvTimes(
  {
    timeFormat,
    timeZone,
    offsetMinutes,
  }: {
    readonly timeFormat?: string | undefined;
    readonly timeZone?: string | undefined;
    readonly offsetMinutes?: number | undefined;
  },
  head: readonly string[],
): CsvTimes {
  const reader = timeFormat === undefined ? readAnyTime : compileTimeFormat(timeFormat);
  if (typeof reader === "string") throw new RangeError(reader);
  const localTime = timeZone === undefined ? null : new LocalTime(timeZone);
  const order = new FoldOrder(directionOf(head, reader));
  return {
    read(cell, deviceId) {
      const text = timeText(cell);
      const time = text === null ? null : reader(text);
      if (time === null) return describeNoTime(text ?? "", timeFormat);
      if (!time.isLocal) return deviceId === null ? time.ms : order.choose(deviceId, [time.ms]);
      if (offsetMinutes !== undefined) return time.ms - offsetMinutes * 60_000;
      if (localTime === null) {
        return "does not say its offset from UTC. Say what zone the times are meant in: --time-zone Europe/Vienna, or --utc-offset +01:00";
      }
      const instants = localTime.instantsOf(time.ms);
      if (instants.length === 0) {
        return `was skipped in ${timeZone} when clocks were set forward. Do these clocks never change? Then give their offset: --utc-offset +01:00`;
      }
      return deviceId === null ? (instants[0] as number) : order.choose(deviceId, instants);
    },
  };
}

/** −1 where more steps of the first rows lead back than on. */
function directionOf(texts: readonly string[], reader: TimeReader): 1 | -1 {
  let steps = 0;
  let lastMs: number | null = null;
  for (const cell of texts) {
    const text = timeText(cell);
    const time = text === null ? null : reader(text);
    if (time === null) continue;
    if (lastMs !== null) steps += Math.sign(time.ms - lastMs);
    lastMs = time.ms;
  }
  return steps < 0 ? -1 : 1;
}

function describeNoTime(text: string, timeFormat: string | undefined): string {
  if (timeFormat !== undefined) return `is no time as --time-format says (${timeFormat}).`;
  if (dateAndTime.test(text)) {
    return "may have the day or the month first. Say which: --time-format 'DD/MM/YYYY HH:mm', or 'MM/DD/YYYY hh:mm a'";
  }
  if (serial.test(text)) return "is no time. Is it a day's number of a spreadsheet? Then add --time-format excel";
  return "is no time. It must look like 2026-01-31T12:00:00Z, be seconds or milliseconds since 1970, or as --time-format says.";
}
