import { refuse, smartOsWelcomes } from "@wattboard/protocol";
import type { Principal } from "../access/principal.ts";
import { Link } from "../link/link.ts";
import { RateLimit } from "../link/rate-limit.ts";
import type { ClientFeed } from "../smart-os/client-feed.ts";
import type { Dataset } from "../smart-os/dataset.ts";
import { isDict, smartOsFrame } from "../smart-os/message.ts";
import { answer, readQuery } from "../smart-os/query.ts";
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
    const { clock, gate, generalLog, heartbeat, linkLimits, links, log, rightsWatch, webSocketServer } = this.#context;
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
    acceptHandshake(webSocketServer, handshake, (webSocket) => {
      const rateLimit = new RateLimit(queriesPerSecond, queriesBurst, clock.monotonicMs());
      const link: Link = new Link({
        webSocket,
        socket,
        clock,
        heartbeat,
        limits: { ...linkLimits, outboxBytesMax: this.#settings.outboxBytesMax },
        onText: (frame) => {
          generalLog?.note("client", gate.addressOf(request), frame);
          const answered = rateLimit.take(clock.monotonicMs())
            ? this.#answer(frame.toString(), principal)
            : "too many queries in a short time";
          link.send(typeof answered === "string" ? smartOsFrame("INFO", `ERROR: ${answered}`) : answered);
        },
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
      link.send(this.#dataset.frame(this.#visible(principal)));
      const mayView = gate.mayViewAll(principal) ? null : (deviceId: string) => gate.mayView(principal, deviceId);
      this.#feed.subscribe(link, mayView);
    });
  }

  /** The dataset that a query asks for; or what is wrong with the query, in words. */
  #answer(text: string, principal: Principal): Buffer | string {
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      return 'a query is JSON: {"type":"FILT","message":["filter:serial_number:=:0"]}';
    }
    if (!isDict(frame) || frame.type !== "FILT") return 'type must be "FILT"';
    const query = readQuery(frame.message);
    const rows = typeof query === "string" ? query : answer(query, this.#visible(principal));
    return typeof rows === "string" ? rows : this.#dataset.frame(rows);
  }

  #visible(principal: Principal) {
    const { gate } = this.#context;
    return this.#dataset.rows(gate.mayViewAll(principal) ? () => true : (id) => gate.mayView(principal, id));
  }
}
