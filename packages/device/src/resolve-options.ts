import { defaultUrl, isDeviceId, limits, paths, webSocketUrl } from "@wattboard/protocol";
import type { DeviceOptions } from "./device-options.ts";

/** The options do not make a device. Thrown before anything is connected; `problems` has one sentence for each. */
export class DeviceConfigurationError extends Error {
  readonly code = "device_configuration";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join(" "));
    this.name = "DeviceConfigurationError";
    this.problems = problems;
  }
}

export interface Resolved {
  readonly deviceId: string;
  readonly token: string;
  readonly address: URL;
  readonly periodMs: number;
}

/** Takes what is left out from the environment, and reports all problems at once. */
export function resolveOptions(options: DeviceOptions): Resolved {
  // A token read from a file, or a variable set by one, often ends in a newline.
  const deviceId = (options.deviceId ?? process.env.DEVICE_ID ?? "").trim();
  const token = (options.token ?? process.env.API_TOKEN ?? "").trim();
  const base = (options.url ?? process.env.WATTBOARD_URL ?? defaultUrl).trim();
  const rateHz = options.rateHz ?? 1;
  const problems: string[] = [];

  const missing = [...(deviceId === "" ? ["DEVICE_ID"] : []), ...(token === "" ? ["API_TOKEN"] : [])];
  if (missing.length > 0) {
    problems.push(
      `${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} missing: set both in the environment, or pass deviceId and token. ` +
        "`wattboard device add ID` on the server registers a device and prints its token, once.",
    );
  }
  if (deviceId !== "" && !isDeviceId(deviceId)) {
    problems.push(
      `The device id ${JSON.stringify(deviceId)} is not 1 to 64 of A-Z a-z 0-9 _ . -, first a letter or digit.`,
    );
  }
  if (!/^[\x20-\x7e]*$/.test(token)) {
    problems.push("The token holds characters that do not fit into a header: was it copied whole, and nothing else?");
  }
  if (!(rateHz > 0 && rateHz <= limits.messagesPerSecond)) {
    problems.push(`rateHz is ${rateHz}; it must be above 0, and at most ${limits.messagesPerSecond}.`);
  }
  const address = parseAddress(base, deviceId);
  if (address === null) {
    problems.push(
      "The url is not a base address such as https://wattboard.example.org: " +
        "http, https, ws or wss, and no user, query or fragment.",
    );
  }
  if (problems.length > 0 || address === null) throw new DeviceConfigurationError(problems);
  return { deviceId, token, address, periodMs: 1000 / rateHz };
}

function parseAddress(base: string, deviceId: string): URL | null {
  if (!/^(https?|wss?):\/\//.test(base) || !URL.canParse(base)) return null;
  const { username, password, search, hash } = new URL(base);
  const bare = `${username}${password}${search}${hash}` === "";
  return bare ? new URL(webSocketUrl(base, paths.device + encodeURIComponent(deviceId))) : null;
}
