import { WebSocket as NodeSocket } from "ws";
import { connectFleet as connectFleetBy, type Fleet, type FleetOptions } from "./connect-fleet.ts";
import { connectTelemetry as connectTelemetryBy, type TelemetryOptions } from "./connect-telemetry.ts";
import { fillFromHistory } from "./history.ts";
import type { Stream, StreamOptions } from "./stream.ts";

// What Node takes for "@wattboard/client": the same, with sockets that send a header. A page's bundle has none of it.
export type { Clock, Fleet, FleetOptions, Stream, StreamError, StreamStatus, TelemetryOptions } from "./index.ts";

/** See `connect-telemetry.ts`. */
export function connectTelemetry(deviceId: string, options: TelemetryOptions = {}): Stream {
  return connectTelemetryBy(deviceId, { fill: fillFromHistory, ...withSocket(options) });
}

/** See `connect-fleet.ts`. */
export function connectFleet(options: FleetOptions = {}): Fleet {
  return connectFleetBy(withSocket(options));
}

/** Node 20 has no WebSocket, and that of later ones sends no `Authorization`. */
function withSocket<Options extends StreamOptions>(options: Options): Options {
  const { createSocket, token } = options;
  if (createSocket !== undefined || (token === undefined && globalThis.WebSocket !== undefined)) return options;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    ...options,
    // `ws` has what the streams use of a browser's WebSocket; its own types say so differently.
    createSocket: (address, ...protocols) =>
      new NodeSocket(address, protocols, { headers, perMessageDeflate: false }) as unknown as WebSocket,
  };
}
