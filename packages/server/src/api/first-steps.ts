import { resolve } from "node:path";
import {
  type DeviceLinesBody,
  deviceLinesSchema,
  type FirstStepsBody,
  firstStepsSchema,
  isRefusal,
  paths,
  webSocketUrl,
} from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import type { Authorizer } from "../access/authorizer.ts";
import type { People } from "../access/people.ts";
import { hasRole } from "../access/principal.ts";
import type { DeviceRegistry } from "../devices/device-registry.ts";
import { defineRoute, deviceParams } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { type DeviceParams, lookUpDevice } from "./device-lookup.ts";

export interface FirstStepsParts {
  readonly authorizer: Authorizer;
  readonly basePath: string;
  readonly dataDir: string;
  readonly devices: DeviceRegistry;
  readonly people: People;
  readonly publicUrl: string | null;
}

/** `/api/v1/first-steps`: what a person does next, and how a device connects, with lines that name this server's folder and address. */
export function registerFirstStepsApi(app: FastifyInstance, parts: FirstStepsParts): void {
  const { authorizer, basePath, dataDir, people, publicUrl } = parts;
  const ofFolder = (command: string): string =>
    `npx wattboard ${command} --data-dir ${quoteForShell(resolve(dataDir))}`;
  app.get(
    `${paths.api}/first-steps`,
    defineRoute({
      tag: "Signing in",
      role: null,
      summary: "What comes next on a server that is new, or has no devices",
      answer: firstStepsSchema,
    }),
    ({ raw, principal }, reply): FirstStepsBody => {
      reply.header("Cache-Control", "no-store");
      const isNew = !people.hasAdministrator;
      // Where the folder is concerns nobody on other machines.
      const setUp = authorizer.isOnMachine(raw) ? ofFolder("user setup-link") : "npx wattboard user setup-link";
      return {
        is_new: isNew,
        setup_command: isNew ? setUp : null,
        add_device_command: hasRole(principal, "admin") ? ofFolder("device add ems_001") : null,
      };
    },
  );

  app.get<DeviceParams>(
    `${paths.api}/devices/:id/lines`,
    defineRoute({
      tag: "Administration",
      role: "admin",
      summary: "What a device is given so that it connects: a `.env`, and lines in Python, Node and for the shell",
      params: deviceParams,
      answer: deviceLinesSchema,
      errors: [404],
    }),
    (request, reply) => {
      const device = lookUpDevice(parts, request, request.params.id);
      if (isRefusal(device)) return sendRefusal(reply, device);
      // Where nobody has said how the server is reached, the way by which this page was.
      const url = publicUrl ?? (authorizer.originOf(request.raw) ?? "http://127.0.0.1:8000") + basePath;
      return linesOf(device.deviceId, url);
    },
  );
}

/** The secret is in none of the lines: they end up in histories and notes, and the `.env` is one place to keep it. */
function linesOf(deviceId: string, url: string): DeviceLinesBody {
  const socketUrl = webSocketUrl(url, `${paths.device}${deviceId}`);
  const sample = `{"device_id":"${deviceId}","timestamp":"%s","battery":{"soc":85,"power":558.6}}`;
  return {
    device_id: deviceId,
    url,
    socket_url: socketUrl,
    env: `DEVICE_ID=${deviceId}\nWATTBOARD_URL=${url}`,
    lines: [
      {
        title: "Python",
        text: `# pip install ./packages/device-python; then: set -a; . ./.env; set +a; python3 device.py
import time
from wattboard_device import Device

with Device() as device:
    while True:
        device.send({"battery": {"soc": 85, "power": 558.6}})
        time.sleep(1)`,
      },
      {
        title: "Node",
        text: `// npm install @wattboard/device; then: node --env-file=.env device.mjs
import { connectDevice } from "@wattboard/device";

connectDevice({ read: () => ({ battery: { soc: 85, power: 558.6 } }) });`,
      },
      {
        title: "Shell",
        text: `# with websocat; each line is a sample
set -a; . ./.env; set +a
while sleep 1; do printf '${sample}\\n' "$(date -u +%FT%TZ)"; done |
  websocat --header "Authorization: Bearer $API_TOKEN" ${socketUrl}`,
      },
      {
        title: "curl",
        text: `# does the server let it in? 101 says yes, 401 that the token is another
set -a; . ./.env; set +a
curl --http1.1 -sS -m 3 -o /dev/null -w '%{http_code}\\n' -H "Authorization: Bearer $API_TOKEN" \\
  -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \\
  -H 'Sec-WebSocket-Key: d2F0dGJvYXJkLWZpcnN0IQ==' ${url}${paths.device}${deviceId}`,
      },
    ],
  };
}

/** As one word of a POSIX shell. */
function quoteForShell(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
