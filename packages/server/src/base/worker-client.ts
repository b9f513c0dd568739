import { type MessagePort, type ResourceLimits, type Transferable, Worker } from "node:worker_threads";
import type { Clock } from "./clock.ts";
import { Failure, type FailureCode } from "./failure.ts";
import { carry, closeMethod, type Reply, type Request, revive } from "./worker-methods.ts";

export interface CallOptions {
  /** Moved to the other thread instead of being copied. */
  readonly transfer?: readonly Transferable[] | undefined;
  /** Ends the call: it rejects with the signal's reason, and the other thread is told. */
  readonly signal?: AbortSignal | undefined;
  /** Told the share done, 0 to 1. */
  readonly progress?: ((share: number) => void) | undefined;
}

type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never[]) => infer R ? R : never;

interface Pending {
  resolve(result: unknown): void;
  reject(reason: unknown): void;
  readonly progress: ((share: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
  readonly abandon: () => void;
}

/**
 * Calls the methods of the table `M`, which `serveMethods` performs at the other end of the port. Each call is answered once. The port keeps its
 * thread alive only while an answer is awaited. How many may wait is the caller's to bound.
 */
export class MethodCaller<M, N = never> {
  readonly #port: MessagePort | Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #onNotice: (notice: N) => void;
  #lastNumber = 0;
  #end: Failure | null = null;

  constructor(port: MessagePort | Worker, onNotice: (notice: N) => void = () => {}) {
    this.#port = port;
    this.#onNotice = onNotice;
    port.unref();
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  call<K extends keyof M & string>(method: K, ...args: Arguments<M[K]>): Promise<Result<M[K]>> {
    return this.callWith({}, method, ...args);
  }

  /** Rejects with the error of the method, with the reason of the signal, or with what `end` was given. */
  callWith<K extends keyof M & string>(
    options: CallOptions,
    method: K,
    ...args: Arguments<M[K]>
  ): Promise<Result<M[K]>> {
    return this.send(options, method, args) as Promise<Result<M[K]>>;
  }

  send({ transfer, signal, progress }: CallOptions, method: string, args: readonly unknown[]): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#end !== null) return Promise.reject(this.#end);
    const number = ++this.#lastNumber;
    return new Promise((resolve, reject) => {
      this.#port.postMessage({ number, method, args } satisfies Request, transfer);
      const abandon = (): void => {
        this.#port.postMessage({ abandoned: number } satisfies Request);
        this.#settle(number)?.reject(signal?.reason);
      };
      signal?.addEventListener("abort", abandon, { once: true });
      if (this.#pending.size === 0) this.#port.ref();
      this.#pending.set(number, { resolve, reject, progress, signal, abandon });
    });
  }

  /** Takes what has come from the other end. */
  take(reply: Reply): void {
    if (reply === "ready") return;
    if ("notice" in reply) this.#onNotice(reply.notice as N);
    else if ("share" in reply) this.#pending.get(reply.number)?.progress?.(reply.share);
    else if ("error" in reply) this.#settle(reply.number)?.reject(revive(reply.error));
    else this.#settle(reply.number)?.resolve(reply.result);
  }

  /** The other end answers no more: who waits is told, and whoever calls from now on. */
  end(failure: Failure): void {
    this.#end = failure;
    for (const number of [...this.#pending.keys()]) this.#settle(number)?.reject(failure);
  }

  #settle(number: number): Pending | undefined {
    const pending = this.#pending.get(number);
    if (pending === undefined) return undefined;
    this.#pending.delete(number);
    pending.signal?.removeEventListener("abort", pending.abandon);
    if (this.#pending.size === 0) this.#port.unref();
    return pending;
  }
}

export interface WorkerClientOptions<N> {
  /** The worker's file, see `workerUrl`. */
  readonly url: URL;
  /** What each thread is started with. Where it throws, the call that would have started the thread rejects with that. */
  readonly setup?: () => { readonly data: unknown; readonly transfer?: Transferable[] };
  readonly clock: Clock;
  /** What the thread does, for messages: "the thread of the store". */
  readonly name: string;
  /** Of the failure of calls that are left without an answer, or without a thread. */
  readonly endedCode: FailureCode;
  readonly resourceLimits?: ResourceLimits;
  /** Passes on what the thread has said, in order; absent: at once. */
  readonly pass?: (task: () => void) => void;
  /** Told what the worker tells of its own accord (`postNotice`). */
  readonly onNotice?: (notice: N) => void;
  /** Told when the thread has ended without being asked to. */
  readonly onEnded?: (reason: string) => void;
}

interface Thread<M, N> {
  readonly worker: Worker;
  readonly caller: MethodCaller<M, N>;
  readonly ready: Promise<void>;
}

/** A thread that ends as soon as it begins is not started more often than this. */
const restartMs = 1_000;

/**
 * Calls the methods of a worker. Its thread is started with the first call, or by `start`; one that has ended is started anew with the next call,
 * though no sooner than a second after the last start: calls until then are refused. Who waited when it ended is told, with a `Failure` that
 * has the thread's own error as its cause.
 */
export class WorkerClient<M, N = never> {
  readonly #options: WorkerClientOptions<N>;
  #thread: Thread<M, N> | null = null;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #lastEnd: Failure | undefined;
  #closed: Promise<void> | null = null;

  constructor(options: WorkerClientOptions<N>) {
    this.#options = options;
  }

  /** Calls that wait for their answers. */
  get pendingCount(): number {
    return this.#thread?.caller.pendingCount ?? 0;
  }

  /** Resolves once the worker serves its methods. Rejects with a `Failure` where it cannot start: the worker's own where it threw one. */
  async start(): Promise<void> {
    const { worker, caller, ready } = this.#running();
    worker.ref();
    try {
      await ready;
    } finally {
      if (caller.pendingCount === 0) worker.unref();
    }
  }

  call<K extends keyof M & string>(method: K, ...args: Arguments<M[K]>): Promise<Result<M[K]>> {
    return this.callWith({}, method, ...args);
  }

  /** Rejects with the error of the method, with the reason of the signal, or with a `Failure` where the thread has ended. */
  callWith<K extends keyof M & string>(
    options: CallOptions,
    method: K,
    ...args: Arguments<M[K]>
  ): Promise<Result<M[K]>> {
    try {
      options.signal?.throwIfAborted();
      return this.#running().caller.callWith(options, method, ...args);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Calls a thread that is there for this one call: it ends with the answer, or with the signal, whatever it does. */
  async callOnce<K extends keyof M & string>(
    options: CallOptions,
    method: K,
    ...args: Arguments<M[K]>
  ): Promise<Result<M[K]>> {
    try {
      return await this.callWith(options, method, ...args);
    } finally {
      await this.terminate();
    }
  }

  /** Has the worker let go of everything, behind all calls so far, and resolves when its thread has ended. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Ends the thread at once, in the middle of whatever it does. */
  async terminate(): Promise<void> {
    this.#closed ??= Promise.resolve();
    await this.#thread?.worker.terminate();
  }

  async #close(): Promise<void> {
    if (this.#thread === null) return;
    const { worker, caller } = this.#thread;
    const exited = new Promise((resolve) => worker.once("exit", resolve));
    await caller.send({}, closeMethod, []).finally(() => {
      // The last answer has let go of it.
      worker.ref();
      return exited;
    });
  }

  #running(): Thread<M, N> {
    if (this.#closed !== null) throw this.#failure("it was closed");
    if (this.#thread !== null) return this.#thread;
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#startedAtMs < restartMs) throw this.#lastEnd;
    this.#thread = this.#start();
    this.#startedAtMs = clock.monotonicMs();
    return this.#thread;
  }

  #start(): Thread<M, N> {
    const { url, setup, resourceLimits, pass = now, onNotice, onEnded } = this.#options;
    const { data, transfer } = setup?.() ?? { data: undefined };
    const worker = new Worker(url, {
      workerData: data,
      ...(transfer && { transferList: transfer }),
      ...(resourceLimits && { resourceLimits }),
    });
    const caller = new MethodCaller<M, N>(worker, onNotice);
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    // Whoever called hears of it as well.
    ready.catch(() => {});
    let isReady = false;
    let cause: unknown;
    worker.on("message", (reply: Reply) => {
      if (reply === "ready") {
        isReady = true;
        resolve();
      } else pass(() => caller.take(reply));
    });
    worker.on("error", (error) => {
      cause = error;
    });
    // Behind what it has answered.
    worker.once("exit", () =>
      pass(() => {
        const failure = this.#failureOf(cause, isReady);
        this.#thread = null;
        this.#lastEnd = failure;
        caller.end(failure);
        reject(failure);
        if (this.#closed === null) onEnded?.(reasonOf(cause));
      }),
    );
    return { worker, caller, ready };
  }

  /** A worker that cannot start says why by what it throws; a `Failure` keeps only its name and code on that way. */
  #failureOf(cause: unknown, wasReady: boolean): Failure {
    if (cause === undefined || wasReady) return this.#failure(reasonOf(cause), cause);
    const error = revive(carry(cause));
    if (error instanceof Failure) return error;
    return new Failure(
      this.#options.endedCode,
      `${capitalised(this.#options.name)} cannot start: ${error.message}`,
      cause,
    );
  }

  #failure(reason: string, cause?: unknown): Failure {
    return new Failure(this.#options.endedCode, `${capitalised(this.#options.name)} has ended: ${reason}.`, cause);
  }
}

function now(task: () => void): void {
  task();
}

function reasonOf(error: unknown): string {
  if (error === undefined) return "it was ended";
  return error instanceof Error ? error.message : String(error);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
