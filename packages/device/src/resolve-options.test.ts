import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { DeviceOptions } from "./device-options.ts";
import { DeviceConfigurationError, resolveOptions } from "./resolve-options.ts";

beforeEach(() => {
  for (const name of ["DEVICE_ID", "API_TOKEN", "WATTBOARD_URL"]) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

function problemsOf(options: DeviceOptions): readonly string[] {
  try {
    resolveOptions(options);
  } catch (error) {
    if (error instanceof DeviceConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

const named = { deviceId: "ems_001", token: "sBrIr9wSkn@d*]@z6" };

describe("the options of a device", () => {
  test("come from the environment where they are left out", () => {
    vi.stubEnv("DEVICE_ID", "ems_001");
    vi.stubEnv("API_TOKEN", "sBrIr9wSkn@d*]@z6\n");
    vi.stubEnv("WATTBOARD_URL", "https://wattboard.example.org");
    const { deviceId, token, address, periodMs } = resolveOptions({});
    expect({ deviceId, token, periodMs }).toEqual({ ...named, periodMs: 1000 });
    expect(address.href).toBe("wss://wattboard.example.org/ws/device/ems_001");
  });

  test("win over the environment", () => {
    vi.stubEnv("DEVICE_ID", "other");
    vi.stubEnv("API_TOKEN", "other");
    vi.stubEnv("WATTBOARD_URL", "http://other.example.org");
    const { deviceId, token, address } = resolveOptions({ ...named, url: "ws://[::1]:9000/" });
    expect({ deviceId, token }).toEqual(named);
    expect(address.href).toBe("ws://[::1]:9000/ws/device/ems_001");
  });

  test("connect to this machine unless told otherwise", () => {
    expect(resolveOptions(named).address.href).toBe("ws://127.0.0.1:8000/ws/device/ems_001");
  });

  test("take each of the four schemes, and a path before ours", () => {
    const addressOf = (url: string) => resolveOptions({ ...named, url }).address.href;
    expect(addressOf("http://a.example")).toBe("ws://a.example/ws/device/ems_001");
    expect(addressOf("ws://a.example")).toBe("ws://a.example/ws/device/ems_001");
    expect(addressOf("https://a.example/energy")).toBe("wss://a.example/energy/ws/device/ems_001");
    expect(addressOf("wss://a.example/energy/")).toBe("wss://a.example/energy/ws/device/ems_001");
  });

  test("that lack both id and token give one error, which names both and where to get them", () => {
    const [problem, ...others] = problemsOf({});
    expect(others).toEqual([]);
    expect(problem).toContain("DEVICE_ID and API_TOKEN are missing");
    expect(problem).toContain("wattboard device add");
  });

  test("that lack one name only that one", () => {
    expect(problemsOf({ deviceId: "ems_001", token: " " })[0]).toMatch(/^API_TOKEN is missing/);
    expect(problemsOf({ token: "x" })[0]).toMatch(/^DEVICE_ID is missing/);
  });

  test("that are wrong are all reported at once", () => {
    const problems = problemsOf({ deviceId: "../x", token: "a\r\nb", rateHz: 0, url: "ftp://a.example" });
    expect(problems.map((problem) => problem.slice(0, 13))).toEqual([
      "The device id",
      "The token hol",
      "rateHz is 0; ",
      "The url is no",
    ]);
  });

  test.each([
    "nonsense",
    "http://",
    "http://user:secret@a.example",
    "http://a.example?token=x",
    "http://a.example/#x",
    "",
  ])("do not take %j for a base address", (url) => expect(problemsOf({ ...named, url })).toHaveLength(1));

  test.each([0, -1, 51, Number.NaN, Number.POSITIVE_INFINITY])("do not take %d for a rate", (rateHz) =>
    expect(problemsOf({ ...named, rateHz })).toHaveLength(1),
  );

  test("never show the token in an error", () => {
    expect(problemsOf({ deviceId: "?", token: "sekrit\u0007", url: "http://x:sekrit@a.example" }).join()).not.toContain(
      "sekrit",
    );
  });
});
