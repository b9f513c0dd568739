import type { FleetRow, Telemetry } from "@wattboard/protocol";
import { createContext, createElement, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from "react";
import { connectFleet } from "./connect-fleet.ts";
import { connectTelemetry } from "./connect-telemetry.ts";
import type { StreamError, StreamOptions, StreamStatus } from "./stream.ts";

type Server = Pick<StreamOptions, "url" | "ticket">;

const ServerContext = createContext<Server>({});

/** Tells the hooks below it which server to ask, and how they come in. Without it they ask the page's own origin. */
export function WattboardProvider({
  url,
  ticket,
  children,
}: {
  readonly url: string;
  /** As that of `connectTelemetry`; a new function is used from the next connection on. */
  readonly ticket?: StreamOptions["ticket"];
  readonly children?: ReactNode;
}) {
  const newest = useRef(ticket);
  useEffect(() => {
    newest.current = ticket;
  });
  const hasTicket = ticket !== undefined;
  const value = useMemo<Server>(
    () => ({
      url,
      ticket: hasTicket
        ? (deviceId) => newest.current?.(deviceId) ?? Promise.reject(new Error("none is given"))
        : undefined,
    }),
    [url, hasTicket],
  );
  return createElement(ServerContext.Provider, { value }, children);
}

export interface TelemetryState {
  /** The device's newest sample; null before the first. It stays while the connection is lost: show its age. */
  readonly data: Telemetry | null;
  readonly status: StreamStatus;
  /** Why there is no connection, or what was wrong with a frame; null while all is well. */
  readonly error: StreamError | null;
}

const noTelemetry: TelemetryState = { data: null, status: "CLOSED", error: null };

/**
 * One device, live: connects on mount, reconnects by itself, closes on unmount. When `deviceId` changes, the old device's data
 * is gone in the very render that asks for the new one.
 */
export function useTelemetry(deviceId: string): TelemetryState {
  const server = useContext(ServerContext);
  const [held, setHeld] = useState({ deviceId, server, state: noTelemetry });
  useEffect(() => {
    let state: TelemetryState = { data: null, status: "CONNECTING", error: null };
    const update = (change: Partial<TelemetryState>) => {
      state = { ...state, ...change };
      setHeld({ deviceId, server, state });
    };
    const stream = connectTelemetry(deviceId, {
      ...server,
      onTelemetry: (data) => update({ data }),
      onStatus: (status) => update(status === "OPEN" ? { status, error: null } : { status }),
      onError: (error) => update({ error }),
    });
    update({});
    return () => stream.close();
  }, [deviceId, server]);
  return held.deviceId === deviceId && held.server === server ? held.state : noTelemetry;
}

export interface FleetState {
  /** By device id; a new map with each change, in which a row that did not change is the same object. */
  readonly rows: ReadonlyMap<string, FleetRow>;
  readonly status: StreamStatus;
  /** Whether the whole fleet has come once. */
  readonly complete: boolean;
  /** How many devices the server has to tell; null before it says so. */
  readonly total: number | null;
  /** What to add to `Date.now()` to get the server's time, in milliseconds; null before the first frame. */
  readonly clockOffsetMs: number | null;
  /** Why there is no connection, or what was wrong with a frame; null while all is well. */
  readonly error: StreamError | null;
}

const noFleet: FleetState = {
  rows: new Map(),
  status: "CLOSED",
  complete: false,
  total: null,
  clockOffsetMs: null,
  error: null,
};

/** A large fleet comes in many frames; those that come within this time are one change. */
const coalesceMs = 50;

/** The whole fleet, live: connects on mount, reconnects by itself, closes on unmount. Renders at most 20 times a second. */
export function useFleet(): FleetState {
  const server = useContext(ServerContext);
  const [held, setHeld] = useState({ server, state: noFleet });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let error: StreamError | null = null;
    const update = () => {
      timer = undefined;
      const { rows, status, complete, total, clockOffsetMs } = fleet;
      setHeld({ server, state: { rows: new Map(rows), status, complete, total, clockOffsetMs, error } });
    };
    const updateSoon = () => {
      timer ??= setTimeout(update, coalesceMs);
    };
    const fleet = connectFleet({
      ...server,
      onChange: updateSoon,
      onStatus(status) {
        if (status === "OPEN") error = null;
        updateSoon();
      },
      onError(latest) {
        error = latest;
        updateSoon();
      },
    });
    update();
    return () => {
      fleet.close();
      // Closing is a change, too.
      clearTimeout(timer);
    };
  }, [server]);
  return held.server === server ? held.state : noFleet;
}
