import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { printError, printFile, printJson, printLine, printTable } from "./report.ts";

const hostile = "\u001b]0;owned\u0007\u009b2J\rx\u202e";
const shown = "\\u001b]0;owned\\u0007\\u009b2J\\rx\\u202e";
const { isTTY } = process.stdout;
let pieces: Buffer[];
/** What has been written since this was asked last. */
const written = () => Buffer.concat(pieces.splice(0));

beforeEach(() => {
  pieces = [];
  const note = (piece: string | Uint8Array) => pieces.push(Buffer.from(piece as string)) > 0;
  vi.spyOn(process.stdout, "write").mockImplementation(note as never);
  vi.spyOn(process.stderr, "write").mockImplementation(note as never);
});
afterEach(() => {
  vi.restoreAllMocks();
  process.stdout.isTTY = isTTY;
});

test("what others wrote is shown in lines and tables, and not obeyed: neither controls nor ends of lines", () => {
  printLine(`${hostile}\nforged`);
  expect(written().toString()).toBe(`${shown}\\nforged\n`);
  printTable(["NAME", "BY"], [[`a${hostile}`, "ann\nroot"]]);
  const [header = "", row = ""] = written().toString().split("\n");
  expect(row).toBe(`a${shown}  ann\\nroot`);
  expect(header.indexOf("BY")).toBe(row.indexOf("ann"));
  printError(`Line 2: ${hostile}\nMend it.`);
  expect(written().toString()).toBe(`Line 2: ${shown}\nMend it.\n`);
});

test("JSON for scripts means what it meant", () => {
  printJson({ name: hostile });
  const line = written().toString();
  expect(line).not.toMatch(/[\u0080-\u009f\u202e]/);
  expect(JSON.parse(line)).toEqual({ name: hostile });
});

test("a file goes to a terminal without what a terminal obeys, and to a file or a pipe byte for byte", async () => {
  const bytes = Buffer.from(`who,target\r\nann,é${hostile}\r\n`);
  async function* file() {
    const at = bytes.indexOf("é") + 1;
    yield bytes.subarray(0, at);
    yield bytes.subarray(at);
  }
  process.stdout.isTTY = false;
  await printFile(file());
  expect(written()).toEqual(bytes);
  process.stdout.isTTY = true;
  await printFile(file());
  expect(written().toString()).toBe(`who,target\nann,é${shown}\n`);
});
