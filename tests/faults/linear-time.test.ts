import type { IncomingMessage } from "node:http";
import { conditionTest, isDeviceId, isRefusal, parseCondition, parseRfc3339 } from "@wattboard/protocol";
import { describeNewCommandFault, deviceFrameValidator } from "@wattboard/protocol/validate";
import { describe, expect, test } from "vitest";
import { Authorizer } from "../../packages/server/dist/access/authorizer.js";
import { readCookie } from "../../packages/server/dist/access/cookies.js";
import { describeDevicesFault } from "../../packages/server/dist/access/device-list.js";
import { normalAccount } from "../../packages/server/dist/access/people.js";
import { secretKey } from "../../packages/server/dist/access/secret-key.js";
import { bearerToken } from "../../packages/server/dist/access/tokens.js";
import { TrustedProxies } from "../../packages/server/dist/access/trusted-proxies.js";
import { escapeControls } from "../../packages/server/dist/base/escape-controls.js";
import { parseTime } from "../../packages/server/dist/base/parse-time.js";
import { isTimeZone } from "../../packages/server/dist/base/time-zone.js";
import { DeviceState } from "../../packages/server/dist/devices/device-state.js";
import { BatteryUnit } from "../../packages/server/dist/dialects/smart-os/battery-unit.js";
import { readBody, readEnvelope } from "../../packages/server/dist/dialects/smart-os/message.js";
import { answerQuery, readQuery } from "../../packages/server/dist/dialects/smart-os/query.js";
import { smartOsSample } from "../../packages/server/dist/dialects/smart-os/sample.js";
import { readDeviceFrame } from "../../packages/server/dist/doors/device-frame.js";
import { choosePoints } from "../../packages/server/dist/history/point-names.js";
import { readRange } from "../../packages/server/dist/history/range.js";
import { refuseOutright } from "../../packages/server/dist/http/access-guard.js";
import { cursorReader } from "../../packages/server/dist/http/cursor.js";
import { redactSecrets } from "../../packages/server/dist/observe/redact-secrets.js";
import { decode } from "../../packages/server/dist/telemetry/gatekeeper.js";
import { readCell } from "../../packages/server/dist/transfer/csv-columns.js";
import { parseNumber } from "../../packages/server/dist/transfer/csv-number.js";
import { CsvSplitter } from "../../packages/server/dist/transfer/csv-records.js";
import { csvText, unguardFormulas } from "../../packages/server/dist/transfer/csv-text.js";
import { findHead } from "../../packages/server/dist/transfer/import/csv-head.js";
import { ImportJudge } from "../../packages/server/dist/transfer/import/import-sample.js";
import { compileTimeFormat, readAnyTime, timeText } from "../../packages/server/dist/transfer/import/time-format.js";
import { judgeLines } from "../../packages/server/dist/transfer/import-lines.js";
import { findPatterns } from "../../scripts/patterns.ts";
import { growth, timeMs } from "../support/growth.ts";

/**
 * Method: each parser that meets what others chose is given the worst that we could think of, 4 KB of it and 16 KB (of files 16 and 64), and each
 * pattern of the sources a set of pumps made from its own signs. With four times the text it may take ten times as long, and not sixteen. What
 * `scripts/patterns.ts` proves of the patterns is tried here, and the code around them as well.
 */

const frameSize = 16 * 1024;
const fileSize = 64 * 1024;
const growthMax = 10;
const nowMs = Date.UTC(2026, 0, 31, 12);
const slashTime = compileTimeFormat("D/M/YYYY h:mm:ss.SSS a") as (text: string) => unknown;

const repeat = (unit: string) => (size: number) => unit.repeat(Math.ceil(size / unit.length));
const numbered = (size: number, write: (at: number) => string, separator = ",") =>
  Array.from({ length: Math.ceil(size / 12) }, (_, at) => write(at)).join(separator);

type Make = (size: number) => string;
/** By what it is: texts that have been the worst for some parser. */
const units: Readonly<Record<string, Make>> = Object.fromEntries(
  [
    "1",
    "9.",
    "a",
    " ",
    "\t\n",
    "\\",
    '\\\\"',
    "'",
    '"',
    "''",
    ":",
    ",",
    ";",
    "=",
    ".",
    "-",
    "[",
    "{",
    "(",
    "\\u0041",
    "é",
    "\u0301\u0316",
    "wb_",
    "bearer ",
    '"token"',
    '"token":',
    "a.b,",
    "%41",
    "127.",
    "::",
    "=;",
  ].map((unit) => [JSON.stringify(unit), repeat(unit)]),
);
const inside = (before: string, after = "") =>
  Object.fromEntries(
    Object.entries(units).map(([name, make]) => [name, (size: number) => before + make(size) + after]),
  );
const inJson = (before: string, after = "") =>
  Object.fromEntries(
    Object.entries(units).map(([name, make]) => [name, (size: number) => before + JSON.stringify(make(size)) + after]),
  );

const request = (headers: Record<string, string>, url = "/") =>
  ({
    headers,
    rawHeaders: Object.entries({ host: "localhost", ...headers }).flat(),
    url,
    method: "GET",
    socket: { remoteAddress: "10.0.0.7" },
  }) as unknown as IncomingMessage;
const proxies = new TrustedProxies(["10.0.0.0/8"]);
const gate = new Authorizer(
  {
    dashboards: "people",
    origins: ["https://board.example.org"],
    loopbackOnly: true,
    isInsecure: false,
    localToken: "x",
  } as never,
  { proxies } as never,
);
const outright = {
  authorizer: { isTransportAllowed: () => true, isHostAllowed: () => true, addressOf: () => "" },
  log: { warn() {} },
  throttle: { pass: () => null },
};
const cursor = cursorReader({ type: "object", required: ["at"], properties: { at: { type: "number" } } } as never);
const rows = Array.from({ length: 8 }, (_, at) => ({
  row: { serial_number: `s${at}`, postcode: "1".repeat(200), text: "a".repeat(256) },
}));
const drain = (work: Generator<unknown, unknown>) => {
  let last = work.next();
  while (!last.done) last = work.next();
  return last.value;
};

interface Parser {
  readonly run: (text: string) => unknown;
  readonly texts: Readonly<Record<string, Make>>;
  readonly size?: number;
}

const parsers: Readonly<Record<string, Parser>> = {
  "a telemetry message": {
    run: (text) => decode(new DeviceState("ems_001", "ems_001"), Buffer.from(text), nowMs),
    texts: {
      ...inside('{"device_id":"ems_001","timestamp":"2026-01-31T12:00:00Z","a":'),
      ...inJson('{"device_id":"ems_001","timestamp":', ',"battery":{}}'),
      "many fields": (size) =>
        `{"device_id":"ems_001","timestamp":"2026-01-31T12:00:00Z","battery":{${numbered(size, (at) => `"a${at}":1`)}}}`,
      "many wrong fields": (size) => `{"device_id":1,"timestamp":1,"battery":[${numbered(size, String)}]}`,
      "one long name": (size) =>
        `{"device_id":"ems_001","timestamp":"2026-01-31T12:00:00Z","battery":{"${"a".repeat(size)}":1}}`,
      "many flags": (size) =>
        `{"device_id":"ems_001","timestamp":"2026-01-31T12:00:00Z","system_status":{"error_flags":[${numbered(size, (at) => `"E${at}"`)}]}}`,
    },
  },
  "a frame of the subprotocol": {
    run: (text) => readDeviceFrame(Buffer.from(text)),
    texts: {
      ...inJson('{"type":"command_result","status":"applied","command_id":', "}"),
      "many parameters": (size) =>
        `{"type":"hello","commands":{},"parameters":[${numbered(size, (at) => `{"name":"${at}","type":"x"}`)}]}`,
      "many choices": (size) =>
        `{"type":"hello","commands":{},"parameters":[{"name":"a","type":"text","choices":[${numbered(size, String)}]}]}`,
    },
  },
  "a message of SMART-OS": {
    run: (text) => {
      const message = readEnvelope(text);
      const read = "fault" in message ? message : readBody(message);
      return "fault" in read ? read : smartOsSample("0001", read.body, null, nowMs, new Set(), new BatteryUnit());
    },
    texts: {
      ...inside(""),
      ...inside("0001:0001:{'a': ", "_}"),
      ...inside("0001:0001:{'a': '", "'}"),
      ...inJson('{"type":"UPDT","message":', "}"),
      "many fields": (size) => `0001:0001:{${numbered(size, (at) => `'a${at}': ${at}`)}}`,
      "a list in Python": (size) => `0001:0001:{'a': (${numbered(size, String)}`,
    },
  },
  "a query of a web client, over some devices": {
    run: (text) => {
      const query = readQuery(JSON.parse(text));
      return typeof query === "string" ? query : drain(answerQuery(query, rows));
    },
    texts: {
      ...inJson("[", "]"),
      ...Object.fromEntries(
        Object.entries(units).flatMap(([name, make]) => [
          [`a value of ${name}`, (size: number) => JSON.stringify([`filter:postcode:<:${make(size)}x`])],
          [`a name of ${name}`, (size: number) => JSON.stringify([`sort:${make(size)}:<:abc`])],
        ]),
      ),
      "many conditions": (size) => `[${numbered(size, () => '"filter:text:=:aab"')}]`,
    },
  },
  "a time": {
    run: (text) => [parseRfc3339(text), parseTime(text, nowMs, "UTC")],
    texts: inside("2026-01-31T12:00:00."),
  },
  "a range": {
    run: (text) => readRange({ from: text, time_zone: text }, { nowMs, defaultMs: 1, spanMsMax: 1, timeZone: "UTC" }),
    texts: inside(""),
  },
  "a time zone": { run: isTimeZone, texts: inside("Europe/") },
  "an id": { run: isDeviceId, texts: inside("a") },
  "a line of general.log": {
    run: redactSecrets,
    texts: {
      ...inside(""),
      ...inside('{"token": "'),
      ...inside("'token' :"),
      "tokens within tokens": repeat('"token":"token"'),
    },
  },
  "a text for a terminal": { run: escapeControls, texts: { ...inside(""), controls: repeat("\u001b\u009b\r") } },
  "a CSV": {
    run: (text) => [...new CsvSplitter(",").push(text)],
    texts: {
      ...inside("a,b\n"),
      ...inside('"'),
      "lines with stray quotes": repeat('a"b,"c"d\n'),
      "cells in quotes": repeat('"a""b",'),
    },
    size: fileSize,
  },
  "a cell": {
    run: (text) =>
      ["battery.soc", "system_status.error_flags", "extra.value"].map((point) => {
        try {
          return readCell({ text, isQuoted: false }, { point, factor: 1 }, { decimalComma: true });
        } catch {
          return null;
        }
      }),
    texts: { ...inside(""), ...inside("1", "x"), "formulas in formulas": repeat(`;'"`) },
  },
  "a number of a CSV": {
    run: (text) => [parseNumber(text, {}), parseNumber(text, { decimalComma: true })],
    texts: { ...inside(""), "many groups": repeat("1.234"), "many blanks": repeat("1 234") },
  },
  "a time of a CSV": {
    run: (text) => [text, text.slice(0, 64)].map((each) => [readAnyTime(timeText(each) ?? ""), slashTime(each)]),
    texts: { ...inside(""), ...inside("2026-05-01 ", " PM") },
  },
  "a time format": { run: (text) => compileTimeFormat(text), texts: { ...inside(""), ...inside("'", "'") } },
  "the head of a CSV": {
    run: (text) => findHead(text, {}, (names) => names.includes("never")),
    texts: { ...inside("sep="), ...inside('"', '"'), "many cells": repeat("a;"), "many lines": repeat("a\n") },
    size: fileSize,
  },
  "a Forwarded header": {
    run: (text) => proxies.addressOf(request({ forwarded: text })),
    texts: { ...inside('for="', '"'), "many hops": repeat("for=10.0.0.1, "), "many pairs": repeat("for=10.0.0.1;") },
  },
  "a text for a CSV": {
    run: (text) => unguardFormulas(csvText(text)),
    texts: { ...inside(""), ...inside(";", "x"), "guarded cells": repeat(";''=") },
  },
  "lines of an import": {
    run: (text) => drain(judgeLines(text, new ImportJudge(nowMs, () => true), nowMs)),
    texts: {
      ...inside('{"device_id":"a","observed_at":"2026-01-31T12:00:00Z","points":{"a":', "}}"),
      ...inJson('{"device_id":"a","observed_at":', ',"points":{}}'),
      "many names": (size) =>
        `{"device_id":"a","observed_at":"2026-01-31T12:00:00Z","points":{${numbered(size, (at) => `"a${at}":1`)}}}`,
      "many wrong values": (size) =>
        `{"device_id":"a","observed_at":"2026-01-31T12:00:00Z","points":{${numbered(size, (at) => `"a${at}":{}`)}}}`,
      "empty lines": repeat("\n"),
      "lines of blanks": repeat("    \n"),
    },
    size: fileSize,
  },
  "a condition of a fleet command": {
    run: (text) => {
      const condition = parseCondition(text);
      return isRefusal(condition) ? condition : conditionTest(condition)(text);
    },
    texts: { ...inside(""), ...inside("properties.region < "), ...inside("a", "="), ...inside("id = '") },
  },
  "a command's body": {
    run: (text) => [describeNewCommandFault(JSON.parse(text)), deviceFrameValidator.check(JSON.parse(text))],
    texts: {
      ...inJson('{"action":"SET_PARAMETER","payload":{"name":"a","value":', "}}"),
      ...inJson('{"action":"RESTART","command_id":', ',"payload":{}}'),
      "many fields": (size) => `{"action":"RESTART","payload":{${numbered(size, (at) => `"a${at}":1`)}}}`,
    },
  },
  "a cursor": { run: cursor, texts: inside("") },
  cookies: {
    run: (text) => readCookie(text, "session", true),
    texts: { ...inside(""), "many cookies": repeat("a=b; ") },
    size: 8 * 1024,
  },
  "forwarded headers": {
    run: (text) => {
      const forwarded = request({ "x-forwarded-for": text, "x-forwarded-host": text, "x-forwarded-proto": text });
      return [proxies.addressOf(forwarded), proxies.hostOf(forwarded), proxies.isSecure(forwarded)];
    },
    texts: { ...inside(""), "many hops": repeat("10.0.0.1, ") },
  },
  "host and origin": {
    run: (text) => [
      gate.isOriginAllowed(request({ host: text, origin: text })),
      gate.isHostAllowed(request({ "x-forwarded-host": text })),
    ],
    texts: { ...inside(""), ...inside("localhost:", "x") },
  },
  "an Authorization header": { run: bearerToken, texts: { ...inside("Bearer "), ...inside("bearer x", " x") } },
  "an address with a query": {
    run: (text) => refuseOutright(request({}, text), outright as never),
    texts: { ...inside("/?"), ...inside("/?a="), "many parameters": repeat("a=b&") },
  },
  "names of points": {
    run: (text) => choosePoints(text, [{ name: "extra.value", kinds: ["number"] }] as never),
    texts: { ...inside(""), "many names": repeat("a.b,") },
  },
  "a list of devices": {
    run: (text) => describeDevicesFault("viewer", text.split(",")),
    texts: { ...inside(""), "many devices": (size) => numbered(size, (at) => `ems_${at}`) },
  },
  "an account": { run: normalAccount, texts: inside("") },
  "the secret of a link": { run: secretKey, texts: inside("wb_") },
};

describe("with four times the text it takes no more than ten times as long", () => {
  test.each(Object.entries(parsers))("%s", (_name, { run, texts, size = frameSize }) => {
    const steep = Object.entries(texts).flatMap(([name, make]) => {
      const times = growth(
        (length) => {
          const text = make(length);
          return () => run(text);
        },
        size,
        growthMax,
      );
      return times > growthMax ? [`${name}: ${times.toFixed(1)} times`] : [];
    });
    expect(steep).toEqual([]);
  });
});

/** Runs a pattern over the whole text, as often as it is found. */
const search = (pattern: RegExp, text: string) => (pattern.global ? text.replaceAll(pattern, "") : pattern.exec(text));

/** Texts that a pattern may have trouble with: its own words and signs, again and again, behind a word of its own, with an end that does not fit. */
function pumpsOf(source: string): Make[] {
  const words = source.match(/[A-Za-z_]{2,}/g) ?? [];
  const signs = new Set([
    ...source.replaceAll(/\\[a-z]/g, "").replaceAll(/[\\^$()|?*+{}[\]]/g, ""),
    "1",
    "a",
    " ",
    ".",
    "_",
    "-",
    '"',
    "\\",
    "\n",
  ]);
  return ["", ...words].flatMap((before) =>
    [...signs, ...words, "1.", "a1", " a"].flatMap((unit) =>
      ["", "\0", "x"].map((end) => (size: number) => before + repeat(unit)(size) + end),
    ),
  );
}

/** Whether any pump takes steeply longer; what takes little more than a plain look at each sign is not measured further. */
function isSteep(pattern: RegExp, size = frameSize): boolean {
  return pumpsOf(pattern.source).some((make) => {
    const text = make(size);
    const plainMs = timeMs(() => search(/[\u{10ffff}]/u, text));
    if (Math.min(...[1, 2, 3].map(() => timeMs(() => search(pattern, text)))) <= 20 * plainMs) return false;
    const makeSearch = (length: number) => {
      const shorter = make(length);
      return () => search(pattern, shorter);
    };
    return growth(makeSearch, size, growthMax) > growthMax;
  });
}

test("each pattern of the sources takes time that grows with the text", () => {
  const { patterns } = findPatterns();
  expect(patterns.length).toBeGreaterThan(50);
  const steep = patterns.filter(({ source, flags }) => isSteep(new RegExp(source, flags)));
  expect(steep).toEqual([]);
});

test.each([
  /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y,
  /((?:token|password)\w*\\*["']\s*:\s*(\\*["']))(?:(?!\2).)*/gi,
  /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/,
])("what once stood the server still is found: %s", (pattern) => {
  expect(isSteep(pattern, frameSize / 4)).toBe(true);
});
