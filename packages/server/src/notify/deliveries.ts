import type { ChannelKind } from "@wattboard/protocol";
import type { Clock } from "../base/clock.ts";
import { Gate } from "./gate.ts";
import { failed, type Message, type MessageTransport, type Outcome } from "./message.ts";
import type { NotifyChannel } from "./records.ts";

/** One delivery may take so long, and has failed then, ms. */
const deliveryMsMax = 20_000;

/** So many at once: a mail server takes few connections of one client, and each webhook that hangs holds a socket. */
const atOnce: Readonly<Record<ChannelKind, number>> = { email: 2, push: 32, webhook: 64 };

/** Hands messages over, each within a deadline. Nothing that a transport does or fails to do holds up another channel for longer than that. */
export class Deliveries {
  readonly #clock: Clock;
  readonly #transports: Readonly<Record<ChannelKind, MessageTransport>>;
  readonly #onError: (error: unknown) => void;
  readonly #gates: Readonly<Record<ChannelKind, Gate>>;
  readonly #underWay = new Set<AbortController>();

  constructor(
    clock: Clock,
    transports: Readonly<Record<ChannelKind, MessageTransport>>,
    onError: (error: unknown) => void,
  ) {
    this.#clock = clock;
    this.#transports = transports;
    this.#onError = onError;
    this.#gates = { email: new Gate(atOnce.email), push: new Gate(atOnce.push), webhook: new Gate(atOnce.webhook) };
  }

  /** Resolves in any case. */
  deliver(channel: NotifyChannel, message: Message): Promise<Outcome> {
    const { kind } = channel.address;
    return this.#gates[kind].pass(() => this.#inTime(this.#transports[kind], channel, message));
  }

  /** Ends what is under way: it has failed, and who keeps it tries it again after the next start. */
  stop(): void {
    for (const controller of this.#underWay) controller.abort();
  }

  async #inTime(transport: MessageTransport, channel: NotifyChannel, message: Message): Promise<Outcome> {
    const controller = new AbortController();
    this.#underWay.add(controller);
    const cancel = this.#clock.after(deliveryMsMax, () => controller.abort());
    const late = new Promise<Outcome>((resolve) => {
      controller.signal.addEventListener("abort", () => resolve(failed("It did not answer in time.")));
    });
    try {
      return await Promise.race([late, transport.deliver(channel, message, controller.signal)]);
    } catch (error) {
      // Our own mistake must not stop the queue, and must not be overlooked.
      this.#onError(error);
      return failed("The server failed at this message; its log says why.");
    } finally {
      cancel();
      this.#underWay.delete(controller);
    }
  }
}
