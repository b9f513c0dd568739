import { refuse, smartOsWelcomes } from "@wattboard/protocol";
import type { Principal } from "../../access/principal.ts";
import { refuseOrigin } from "../../access/refuse-origin.ts";
import { RateLimit } from "../../base/rate-limit.ts";
import { inTimeSlices } from "../../base/time-slices.ts";
import type { Door, DoorContext } from "../../doors/door.ts";
import { acceptHandshake, type Handshake, refuseHandshake } from "../../doors/upgrade.ts";
import { Link } from "../../link/link.ts";
import type { MayView } from "../../telemetry/fleet-feed.ts";
import type { Subscriber } from "../../telemetry/subscriber.ts";
import type { ClientFeed } from "./client-feed.ts";
import { type Dataset, datasetFrame } from "./dataset.ts";
import { isDict, smartOsFrame } from "./message.ts";
import { answerQuery, readQuery } from "./query.ts";

export interface ClientDoorSettings {
  readonly isOpen: boolean;
  /** Bytes that may wait for a slow client; the dataset has to fit. */
  readonly outboxBytesMax: number;
}

/** Queries of one client; above it, and above so many that wait for their answer, they are answered with an error. */
const queriesPerSecond = 5;
const queriesBurst = 20;

/** `/client/` (DESIGN §3.4): SMART-OS's web clients. The dataset at once, then every update; answers filters and sorts with a dataset. */
export class SmartOsClientDoor implements Door {
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

  accept(handshake: Handshake): void {
    const {
      clock,
      floods,
      frameATurnServer,
      authorizer,
      generalLog,
      heartbeat,
      linkLimits,
      links,
      log,
      authorizationWatch: rightsWatch,
      viewerFrameLimit,
    } = this.#context;
    const { request, socket } = handshake;
    const principal = this.#admit(handshake);
    if (principal === null) return;
    acceptHandshake(frameATurnServer, handshake, (webSocket) => {
      const rateLimit = new RateLimit(queriesPerSecond, queriesBurst, clock.monotonicMs());
      const isVisible = authorizer.mayViewAll(principal)
        ? null
        : (deviceId: string) => authorizer.mayView(principal, deviceId);
      const mayView = isVisible ?? (() => true);
      const answers = new AnswerQueue(() => link.isOpen);
      const held = new HeldUpdates(this.#settings.outboxBytesMax, () => link.terminate());
      const link: Link = new Link({
        webSocket,
        socket,
        clock,
        heartbeat,
        limits: { ...linkLimits, outboxBytesMax: this.#settings.outboxBytesMax },
        onText: (frame) => {
          generalLog?.note("client", authorizer.addressOf(request), frame);
          if (rateLimit.take(clock.monotonicMs()) && answers.waitingCount < queriesBurst) {
            answers.add(
              () => this.#answer(frame.toString(), mayView),
              (answer) => link.send(answer),
            );
          } else link.send(errorFrame("too many queries in a short time"));
        },
        frameLimit: viewerFrameLimit,
        onFlood: (consequence) =>
          floods.note({ door: this.name, deviceId: null, address: authorizer.addressOf(request) }, consequence),
        onEnd: (end) => {
          links.remove(this.name, link, end);
          rightsWatch.remove(link);
          this.#feed.unsubscribe(held);
          this.#feed.unsubscribe(link);
          if (end !== "slow_reader") return;
          links.slowReaderCount++;
          log.warn({ door: this.name, address: authorizer.addressOf(request) }, "slow reader cut");
        },
      });
      links.add(this.name, link);
      rightsWatch.add(link, principal);
      link.send(smartOsFrame("INFO", smartOsWelcomes.client));
      answers.add(
        () => {
          this.#feed.subscribe(held, isVisible);
          return this.#everything(mayView);
        },
        (dataset) => {
          link.send(dataset);
          this.#feed.unsubscribe(held);
          for (const update of held.frames.splice(0)) link.send(update);
          this.#feed.subscribe(link, isVisible);
        },
      );
    });
  }

  /** Whoever may look; null where they were refused. */
  #admit(handshake: Handshake): Principal | null {
    const { authorizer, links } = this.#context;
    const foreign = refuseOrigin(handshake.request, this.#context);
    const principal = foreign === null ? authorizer.identify(handshake.request) : null;
    if (!this.#settings.isOpen || principal === null) {
      const refusal = this.#settings.isOpen
        ? (foreign ?? refuse("forbidden"))
        : refuse("not_found", "The SMART-OS doors are closed; smart_os.access opens them.");
      links.noteRefused(this.name, refusal.code);
      refuseHandshake(handshake, refusal);
      return null;
    }
    return principal;
  }

  *#everything(mayView: MayView): Generator<void, Buffer> {
    return yield* datasetFrame(yield* this.#dataset.entries(mayView));
  }

  /** The dataset that a query asks for; or an error that says what is wrong with it. */
  *#answer(text: string, mayView: MayView): Generator<void, Buffer> {
    let frame: unknown;
    try {
      frame = JSON.parse(text);
    } catch {
      return errorFrame('a query is JSON: {"type":"FILT","message":["filter:serial_number:=:0"]}');
    }
    if (!isDict(frame) || frame.type !== "FILT") return errorFrame('type must be "FILT"');
    const query = readQuery(frame.message);
    if (typeof query === "string") return errorFrame(query);
    const found = yield* answerQuery(query, yield* this.#dataset.entries(mayView));
    return typeof found === "string" ? errorFrame(found) : yield* datasetFrame(found);
  }
}

/** Updates that come while a client's first dataset is made, which takes many turns: none is missed, and none comes before it. */
class HeldUpdates implements Subscriber {
  readonly frames: Uint8Array[] = [];
  readonly #bytesMax: number;
  readonly #onFull: () => void;
  #bytes = 0;

  /** `onFull`: more is held than could wait for the client, who is behind before it has begun. */
  constructor(bytesMax: number, onFull: () => void) {
    this.#bytesMax = bytesMax;
    this.#onFull = onFull;
  }

  send(frame: Uint8Array): void {
    this.#bytes += frame.length;
    if (this.#bytes > this.#bytesMax) this.#onFull();
    else this.frames.push(frame);
  }
}

function errorFrame(fault: string): Buffer {
  return smartOsFrame("INFO", `ERROR: ${fault}`);
}

/** Answers of one reader, made one after another in the order in which they were asked. */
class AnswerQueue {
  readonly #isOpen: () => boolean;
  #turn = Promise.resolve();
  waitingCount = 0;

  constructor(isOpen: () => boolean) {
    this.#isOpen = isOpen;
  }

  add(write: () => Generator<void, Buffer>, deliver: (frame: Buffer) => void): void {
    this.waitingCount++;
    this.#turn = this.#turn.then(async () => {
      const frame = this.#isOpen() ? await inTimeSlices(write(), this.#isOpen) : null;
      this.waitingCount--;
      if (frame !== null && this.#isOpen()) deliver(frame);
    });
  }
}
