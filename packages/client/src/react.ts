import type { FleetRow, Telemetry } from "@wattboard/protocol";
import { createContext, createElement, type ReactNode, useContext, useEffect, useState } from "react";
import { connectFleet } from "./connect-fleet.ts";
import { connectTelemetry } from "./connect-telemetry.ts";
import type { StreamStatus } from "./stream.ts";

const BaseUrl = createContext<string | undefined>(undefined);

/** Tells the hooks below it which server to ask. Without it they ask the page's own origin. */
export function WattboardProvider({ url, children }: { readonly url: string; readonly children?: ReactNode }) {
  return createElement(BaseUrl.Provider, { value: url }, children);
}

export interface TelemetryState {
  /** The device's newest sample; null before the first. It stays while the connection is lost: show its age. */
  readonly data: Telemetry | null;
  readonly status: StreamStatus;
}

const noTelemetry: TelemetryState = { data: null, status: "CLOSED" };

/**
 * One device, live: connects on mount, reconnects by itself, closes on unmount. When `deviceId` changes, the old device's data
 * is gone in the very render that asks for the new one.
 */
export function useTelemetry(deviceId: string): TelemetryState {
  const url = useContext(BaseUrl);
  const [held, setHeld] = useState({ deviceId, url, state: noTelemetry });
  useEffect(() => {
    let state: TelemetryState = { data: null, status: "CONNECTING" };
    const update = (change: Partial<TelemetryState>) => {
      state = { ...state, ...change };
      setHeld({ deviceId, url, state });
    };
    const stream = connectTelemetry(deviceId, {
      url,
      onTelemetry: (data) => update({ data }),
      onStatus: (status) => update({ status }),
    });
    update({});
    return () => stream.close();
  }, [deviceId, url]);
  return held.deviceId === deviceId && held.url === url ? held.state : noTelemetry;
}

export interface FleetState {
  /** By device id; a new map with each change, in which a row that did not change is the same object. */
  readonly rows: ReadonlyMap<string, FleetRow>;
  readonly status: StreamStatus;
  /** Whether the whole fleet has come once. */
  readonly complete: boolean;
  /** What to add to `Date.now()` to get the server's time, in milliseconds; null before the first frame. */
  readonly clockOffsetMs: number | null;
}

const noFleet: FleetState = { rows: new Map(), status: "CLOSED", complete: false, clockOffsetMs: null };

/** A large fleet comes in many frames; those that come within this time are one change. */
const coalesceMs = 50;

/** The whole fleet, live: connects on mount, reconnects by itself, closes on unmount. Renders at most 20 times a second. */
export function useFleet(): FleetState {
  const url = useContext(BaseUrl);
  const [held, setHeld] = useState({ url, state: noFleet });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const update = () => {
      timer = undefined;
      const { rows, status, complete, clockOffsetMs } = fleet;
      setHeld({ url, state: { rows: new Map(rows), status, complete, clockOffsetMs } });
    };
    const updateSoon = () => {
      timer ??= setTimeout(update, coalesceMs);
    };
    const fleet = connectFleet({ url, onStatus: updateSoon, onChange: updateSoon });
    update();
    return () => {
      fleet.close();
      // Closing is a change, too.
      clearTimeout(timer);
    };
  }, [url]);
  return held.url === url ? held.state : noFleet;
}
