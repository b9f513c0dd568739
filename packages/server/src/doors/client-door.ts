import { refuse, smartOsWelcomes } from "@wattboard/protocol";
import { Link } from "../link/link.ts";
import { RateLimit } from "../link/rate-limit.ts";
import type { ClientFeed } from "../smart-os/client-feed.ts";
import type { Dataset } from "../smart-os/dataset.ts";
import { isDict, smartOsFrame } from "../smart-os/message.ts";
import { answer, readQuery } from "../smart-os/query.ts";
import type { MayView } from "../telemetry/fleet-feed.ts";
import type { Door, DoorContext } from "./doors.ts";
import { acceptHandshake, type Handshake, refuseHandshake } from "./upgrade.ts";

export interface ClientDoorSettings {
  readonly isOpen: boolean;
  /** Bytes that may wait for a slow client; the dataset has to fit. */
  readonly outboxBytesMax: number;
}

/** Queries of one client; above it they are answered with an error. */
const queriesPerSecond = 5;
const queriesBurst = 20;

/** `/client/` (DESIGN §3.4): SMART-OS's web clients. The dataset at once, then every update; answers filters and sorts with a dataset. */
export class ClientDoor implements Door {
  readonly name = "client";
  readonly #context: DoorContext;
  readonly #dataset: Dataset;
  readonly #feed: ClientFeed;
  readonly #settings: ClientDoorSettings;

  constructor(context: DoorContext, dataset: Dataset, feed: ClientFeed, settings: ClientDoorSettings) {
    this.#context = context;
    this.#dataset = dataset;
    this.#feed = feed;
    this.#settings = settings;
  }

  knock(handshake: Handshake): void {
    const {
      clock,
      floods,
      frameATurnServer,
      gate,
      generalLog,
      heartbeat,
      linkLimits,
      links,
      log,
      rightsWatch,
      viewerFrameLimit,
    } = this.#context;
    const { request, socket } = handshake;
    const principal = gate.isOriginAllowed(request) ? gate.identify(request) : null;
    if (!this.#settings.isOpen || principal === null) {
      const refusal = this.#settings.isOpen
        ? refuse("forbidden")
        : refuse("not_found", "The SMART-OS doors are closed; smart_os.access opens them.");
      links.noteRefused(this.name, refusal.code);
      refuseHandshake(handshake, refusal);
      return;
    }
    acceptHandshake(frameATurnServer, handshake, (webSocket) => {
      const rateLimit = new RateLimit(queriesPerSecond, queriesBurst, clock.monotonicMs());
      const isVisible = gate.mayViewAll(principal) ? null : (deviceId: string) => gate.mayView(principal, deviceId);
      /** One after another, in the order in which they were asked; bounded by the rate of queries. */
      let turn = Promise.resolve();
      const answerInTurn = (write: () => Buffer): void => {
        turn = turn.then(async () => {
          await this.#dataset.prepare(isVisible ?? (() => true));
          if (link.isOpen) link.send(write());
        });
      };
      const link: Link = new Link({
        webSocket,
        socket,
        clock,
        heartbeat,
        limits: { ...linkLimits, outboxBytesMax: this.#settings.outboxBytesMax },
        onText: (frame) => {
          generalLog?.note("client", gate.addressOf(request), frame);
          if (rateLimit.take(clock.monotonicMs())) answerInTurn(() => this.#answer(frame.toString(), isVisible));
          else link.send(errorFrame("too many queries in a short time"));
        },
        frameLimit: viewerFrameLimit,
        onFlood: (consequence) =>
          floods.note({ door: this.name, deviceId: null, address: gate.addressOf(request) }, consequence),
        onEnd: (end) => {
          links.remove(this.name, link);
          rightsWatch.remove(link);
          this.#feed.unsubscribe(link);
          if (end !== "slow_reader") return;
          links.slowReaderCount++;
          log.warn({ door: this.name, address: gate.addressOf(request) }, "slow reader cut");
        },
      });
      links.add(this.name, link);
      rightsWatch.add(link, principal);
      link.send(smartOsFrame("INFO", smartOsWelcomes.client));
      answerInTurn(() => {
        // In the same turn as the dataset is made: no update is missed, and none comes before it.
        this.#feed.subscribe(link, isVisible);
        return this.#dataset.frame(this.#dataset.rows(isVisible ?? (() => true)));
      });
    });
  }

  /** The dataset that a query asks for; or an error that says what is wrong with it. */
  #answer(text: string, isVisible: MayView | null): Buffer {
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      return errorFrame('a query is JSON: {"type":"FILT","message":["filter:serial_number:=:0"]}');
    }
    if (!isDict(frame) || frame.type !== "FILT") return errorFrame('type must be "FILT"');
    const query = readQuery(frame.message);
    const rows = typeof query === "string" ? query : answer(query, this.#dataset.rows(isVisible ?? (() => true)));
    return typeof rows === "string" ? errorFrame(rows) : this.#dataset.frame(rows);
  }
}

function errorFrame(fault: string): Buffer {
  return smartOsFrame("INFO", `ERROR: ${fault}`);
}
