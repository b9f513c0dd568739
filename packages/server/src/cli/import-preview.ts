import type { ImportTally } from "../transfer/import/import-csv.ts";
import { printLine } from "./report.ts";

const leftOutMax = 10;
const separatorNames: Readonly<Record<string, string>> = { "\t": "tab", ",": "comma", ";": "semicolon" };

/** Tells what was understood of a file: enough to see that a column, a unit or a zone is wrong. */
export function printPreview(path: string, tally: ImportTally): void {
  const preview = tally.preview();
  const separator = separatorNames[preview.separator] ?? preview.separator;
  printLine(`${path}: ${preview.encoding}, cells apart by ${separator}, columns named in line ${preview.header_line}`);
  for (const { column, point, factor, values } of preview.columns) {
    const times = factor === 1 ? "" : ` * ${factor}`;
    printLine(`  ${column === point ? point : `${column} -> ${point}`}${times}: ${values} values`);
  }
  if (preview.ignored_columns.length > 0) printLine(`  not read: ${preview.ignored_columns.slice(0, 20).join(", ")}`);
  if (preview.first !== null) {
    const zone = preview.time_zone === null ? "" : `, local times in ${preview.time_zone}`;
    printLine(`  ${preview.samples} samples of ${preview.devices.join(", ")}`);
    printLine(`  from ${preview.first} to ${preview.last}${zone}`);
  }
  for (const { what, count, column, reason, line, text } of preview.left_out.slice(0, leftOutMax)) {
    const place = column === null ? "" : ` of ${column}`;
    const example = text === null ? `line ${line}` : `${JSON.stringify(text)} in line ${line}`;
    printLine(`  left out: ${count} ${count === 1 ? what.slice(0, -1) : what}${place}, such as ${example}: ${reason}`);
  }
  const more = preview.left_out.length - leftOutMax;
  if (more > 0) printLine(`  … and ${more} more reasons`);
}
