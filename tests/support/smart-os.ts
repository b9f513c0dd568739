import { eventually } from "./eventually.ts";
import { openSocket, type SocketOptions, type TestSocket } from "./sockets.ts";

/** The doors open, as `demo` has them. */
export const openDoors = { "smart_os.access": "open", "smart_os.auto_register": "true" } as const;

/** A SolMate: its socket, with the welcome taken off. */
export async function openSolMate(wsUrl: string, options: SocketOptions = {}): Promise<TestSocket> {
  const socket = await openSocket(`${wsUrl}/update/`, options);
  await socket.receive(1);
  socket.received.shift();
  return socket;
}

interface DatasetFrame {
  readonly type: "INIT";
  readonly message: Record<string, unknown>[];
}

/** A web client: its socket, with the welcome taken off, and its first dataset. */
export async function openWebClient(
  wsUrl: string,
  options: SocketOptions = {},
): Promise<TestSocket & { readonly dataset: Record<string, unknown>[] }> {
  const socket = await openSocket(`${wsUrl}/client/`, options);
  await socket.receive(2);
  const [, first = ""] = socket.received.splice(0, 2);
  return { ...socket, dataset: (JSON.parse(first) as DatasetFrame).message };
}

/** Sends a frame, and gives the answer to it: the next one that comes. */
export async function ask(socket: TestSocket, frame: object | string): Promise<string> {
  const before = socket.received.length;
  socket.send(frame);
  await socket.receive(before + 1);
  return socket.received[before] ?? "";
}

/** Sends a query and gives the rows of the answer. */
export async function query(socket: TestSocket, conditions: readonly string[]): Promise<Record<string, unknown>[]> {
  const before = socket.received.length;
  socket.send({ type: "FILT", message: conditions });
  const text = await eventually(() => {
    const found = socket.received.slice(before).find((frame) => !frame.startsWith('{"type": "UPDT"'));
    if (found === undefined) throw new Error("no answer yet");
    return found;
  });
  return (JSON.parse(text) as DatasetFrame).message;
}

/** What a device says has changed. */
export const update = (serial: string, body: object, id = "0001") => ({
  type: "UPDT",
  message: `${id}:${serial}:${JSON.stringify(body)}`,
});

/** The answer that a message with this header gets. */
export const said = (header: string, outcome: string) => `{"type": "INFO", "message": "${header}:${outcome}"}`;
