import { describe, expect, test } from "vitest";
import { readServerFrame } from "./server-frame.ts";

describe("a frame of the server", () => {
  test.each([
    ['{"command_id":"c","action":"RESET_ERROR","payload":{}}', "command"],
    ['{"type":"welcome","server_time":"2026-01-31T12:00:00Z","epoch":1}', "welcome"],
    ['{"type":"ack","seq":1,"ranges":[[3,4]]}', "ack"],
    ['{"type":"pace","backfill":0}', "pace"],
    ['{"type":"deadline","command_id":"c","expires_at":"2026-01-31T12:00:00Z"}', "deadline"],
    ['{"type":"peers","device_ids":[]}', "peers"],
    ['{"type":"peer","telemetry":{"device_id":"ems_002"}}', "peer"],
    // Kinds, and shapes of known kinds, that a later server may have.
    [`{"type":"ack","seq":1.5}`, "unknown"],
    [`{"type":"ack","seq":1,"ranges":[["3",4]]}`, "unknown"],
    [`{"type":"pace","backfill":-1}`, "unknown"],
    ['{"type":"welcome"}', "unknown"],
    ['{"type":"peer","telemetry":1}', "unknown"],
    ["{", "malformed"],
    ["null", "malformed"],
    ['{"type":1}', "malformed"],
    [null, "malformed"],
  ])("%s is a %s", (text, type) => {
    expect(readServerFrame(text).type).toBe(type);
  });

  test("that is no command but has the id of one keeps the id, so that somebody can be told", () => {
    const frame = readServerFrame('{"command_id":"c","action":"DANCE","payload":{}}');
    expect(frame).toMatchObject({ type: "malformed", commandId: "c" });
  });
});
