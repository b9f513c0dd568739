import { type MessagePort, parentPort, type Transferable } from "node:worker_threads";
import { Failure, type FailureCode } from "./failure.ts";

/** What travels to the thread that performs: a call, or the word that nobody waits for its answer any more. */
export type Request = CallRequest | { readonly abandoned: number };

interface CallRequest {
  readonly number: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** What travels back. Each call is answered once, unless it was abandoned; a long one may tell of its progress before. */
export type Reply =
  | { readonly number: number; readonly result: unknown }
  | { readonly number: number; readonly error: CarriedError }
  | { readonly number: number; readonly share: number }
  /** No answer: what the worker tells of its own accord. */
  | { readonly notice: unknown }
  | "ready";

/** A call, as the method that performs it sees it. */
export interface RunningCall {
  /** Nobody waits for the answer any more: whoever asked has left, or the port is closed. */
  readonly isAbandoned: boolean;
  /** The same, for what takes a signal. */
  readonly signal: AbortSignal;
  /** Tells the caller the share done, 0 to 1. */
  progress(share: number): void;
}

/** A result whose buffers are moved to the caller instead of being copied. */
export class Moved<T> {
  readonly value: T;
  readonly transfer: readonly Transferable[];

  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value;
    this.transfer = transfer;
  }
}

type Given<T> = T | Moved<T>;

/** The methods of the table `M` as they are performed: each is handed the call behind its arguments. */
export type Performed<M> = {
  readonly [K in keyof M]: M[K] extends (...args: infer A) => infer R
    ? (...args: [...A, call: RunningCall]) => Given<R> | Promise<Given<R>>
    : never;
};

export interface ServeOptions {
  /** Absent: the port to the thread that started this one. */
  readonly port?: MessagePort;
  /** What the caller is told of an error that is no `Failure`; absent: the error itself. */
  readonly failureOf?: (error: unknown) => Failure;
  /** The caller has called `close`: lets go of everything, so that the thread ends by itself. */
  readonly onClose?: () => void | Promise<void>;
}

/**
 * Performs the methods of the table `M` for whoever is at the other end of the port (`WorkerClient`, `MethodCaller`). Calls begin in the order in
 * which they come. The answer of a method that gives no promise goes out before the microtasks that the method has queued.
 */
export function serveMethods<M>(methods: Performed<M>, options: ServeOptions = {}): void {
  const { port = ownPort(), failureOf, onClose } = options;
  const running = new Map<number, Call>();
  const perform = ({ method, args }: CallRequest, call: Call): unknown =>
    method === closeMethod
      ? onClose?.()
      : (methods[method as keyof M] as (...given: [...unknown[], RunningCall]) => unknown)(...args, call);
  const succeed = (call: Call, given: unknown): void => {
    if (call.isAbandoned) return;
    const { value, transfer } = given instanceof Moved ? given : { value: given, transfer: undefined };
    port.postMessage({ number: call.number, result: value } satisfies Reply, transfer);
  };
  const fail = (call: Call, error: unknown): void => {
    if (call.isAbandoned) return;
    const told = failureOf === undefined || error instanceof Failure ? error : failureOf(error);
    port.postMessage({ number: call.number, error: carry(told) } satisfies Reply);
  };
  port.on("message", (request: Request) => {
    if ("abandoned" in request) {
      running.get(request.abandoned)?.abandon();
      running.delete(request.abandoned);
      return;
    }
    const call = new Call(port, request.number);
    const end = (): void => {
      running.delete(call.number);
      if (request.method === closeMethod) port.close();
    };
    try {
      const given = perform(request, call);
      if (given instanceof Promise) {
        running.set(call.number, call);
        given
          .then((result) => succeed(call, result))
          .catch((error: unknown) => fail(call, error))
          .finally(end);
        return;
      }
      succeed(call, given);
    } catch (error) {
      fail(call, error);
    }
    end();
  });
  port.once("close", () => {
    for (const call of running.values()) call.abandon();
    running.clear();
  });
  port.postMessage("ready" satisfies Reply);
}

/** Told without being asked. */
export function postNotice<N>(notice: N): void {
  ownPort().postMessage({ notice } satisfies Reply);
}

/** The method that `WorkerClient.close` calls; no table has one of this name. */
export const closeMethod = "#close";

class Call implements RunningCall {
  readonly #port: MessagePort;
  readonly number: number;
  isAbandoned = false;
  #controller: AbortController | null = null;

  constructor(port: MessagePort, number: number) {
    this.#port = port;
    this.number = number;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.isAbandoned) this.#controller.abort();
    return this.#controller.signal;
  }

  progress(share: number): void {
    if (!this.isAbandoned) this.#port.postMessage({ number: this.number, share } satisfies Reply);
  }

  abandon(): void {
    this.isAbandoned = true;
    this.#controller?.abort();
  }
}

function ownPort(): MessagePort {
  if (parentPort === null) throw new Error("This file runs as a worker.");
  return parentPort;
}

type Plain = string | number | boolean;

/** An error as it travels between threads: the clone that the platform makes loses its code. */
export interface CarriedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** What else stands on it and is plain: `code`, `errcode`, `path`. */
  readonly values: Readonly<Record<string, Plain>>;
  readonly cause: CarriedError | undefined;
}

/** Causes of causes that are carried; further ones are left out, so that a circle of them has an end. */
const causesMax = 8;

export function carry(error: unknown, causes = causesMax): CarriedError {
  if (!(error instanceof Error))
    return { name: "Error", message: String(error), stack: undefined, values: {}, cause: undefined };
  const { name, message, stack, cause } = error;
  const plain = Object.entries(error).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  return {
    name,
    message,
    stack,
    values: Object.fromEntries(plain),
    cause: cause === undefined || causes === 0 ? undefined : carry(cause, causes - 1),
  };
}

export function revive({ name, message, stack, values, cause }: CarriedError): Error {
  const revivedCause = cause === undefined ? undefined : revive(cause);
  const error =
    name === "Failure"
      ? new Failure(values.code as FailureCode, message, revivedCause)
      : new Error(message, revivedCause && { cause: revivedCause });
  return Object.assign(error, values, { name, ...(stack !== undefined && { stack }) });
}
