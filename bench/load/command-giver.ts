import { connect, type Socket } from "node:net";

const headerEnd = "\r\n\r\n";

/** A request that is not answered yet. */
interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Posts over a few sockets that stay open, without waiting for one answer before the next request (HTTP/1.1 pipelining), so that a thousand requests
 * at once cost the load generator next to nothing. Answers are looked at for their status and no more.
 */
export class CommandGiver {
  readonly #lines: Line[];
  #next = 0;

  private constructor(lines: Line[]) {
    this.#lines = lines;
  }

  static async open(api: { readonly url: string; readonly token: string }, sockets: number): Promise<CommandGiver> {
    return new CommandGiver(await Promise.all(Array.from({ length: sockets }, () => Line.open(api))));
  }

  /** Resolves when the command is taken (202); rejects with what the server said instead. */
  post(path: string, body: string): Promise<void> {
    const line = this.#lines[this.#next++ % this.#lines.length] as Line;
    return line.post(path, body);
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }
}

/** One socket; its answers come in the order of its requests. */
class Line {
  readonly #socket: Socket;
  readonly #head: string;
  readonly #waiting: Waiting[] = [];
  #unread = "";

  private constructor(socket: Socket, { host }: URL, token: string) {
    this.#socket = socket;
    this.#head = `Host: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
    socket.setNoDelay();
    socket.on("data", (bytes) => this.#read(bytes));
    socket.on("close", () => {
      for (const { reject } of this.#waiting) reject(new Error("The server closed the API's socket."));
    });
    socket.on("error", () => {});
  }

  static async open({ url, token }: { readonly url: string; readonly token: string }): Promise<Line> {
    const address = new URL(url);
    const socket = connect(Number(address.port), address.hostname);
    await new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new Line(socket, address, token);
  }

  post(path: string, body: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`POST ${path} HTTP/1.1\r\n${this.#head}Content-Length: ${body.length}\r\n\r\n${body}`);
    });
  }

  close(): void {
    this.#waiting.length = 0;
    this.#socket.destroy();
  }

  #read(bytes: Buffer): void {
    this.#unread += bytes.toString("latin1");
    for (;;) {
      const headEnd = this.#unread.indexOf(headerEnd);
      if (headEnd === -1) return;
      const head = this.#unread.slice(0, headEnd);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
      const end = headEnd + headerEnd.length + length;
      if (this.#unread.length < end) return;
      const waiting = this.#waiting.shift();
      if (head.startsWith("HTTP/1.1 202 ")) waiting?.resolve();
      else waiting?.reject(new Error(`A command was answered: ${this.#unread.slice(0, end)}`));
      this.#unread = this.#unread.slice(end);
    }
  }
}
