import { describe, expect, test } from "vitest";
import { fillSettings } from "../../../scripts/guide-settings.ts";

describe("a number in a guide", () => {
  test.each([
    ["setting", "heartbeat.ping_ms", "25 s"],
    ["setting", "takeover.window_ms", "60 s"],
    ["setting", "access.session_ms", "7 days"],
    ["setting", "store.queue_bytes", "64 MiB"],
    ["setting", "audit.rows", "100,000"],
    ["setting", "store.url", "`embedded`"],
    ["bound", "store.retention_days", /deleted.*\.$/],
    ["limit", "frameBytesMax", "16 KiB"],
    ["limit", "clockSkewMsMax", "5 minutes"],
    ["limit", "messagesBurst", "1,000"],
  ])("comes from the table: %s %s", (form, key, words) => {
    const [, filled] = />(.*)</s.exec(fillSettings(`<!-- ${form}:${key} -->an\nold one<!-- /${form} -->`)) ?? [];
    if (typeof words === "string") expect(filled).toBe(words);
    else expect(filled).toMatch(words);
  });

  test.each(["setting:store.no_such", "bound:no", "limit:noSuch"])("that the table does not have fails: %s", (name) => {
    const [form] = name.split(":");
    expect(() => fillSettings(`<!-- ${name} -->1<!-- /${form} -->`)).toThrow("There is no");
  });

  test("leaves everything else as it is", () => {
    const page = "Text <!-- a remark --> 5 s.\n<!-- setting:port --> without an end\n";
    expect(fillSettings(page)).toBe(page);
  });
});
