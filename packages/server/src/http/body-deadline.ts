import type { IncomingMessage, RequestListener } from "node:http";
import type { Clock } from "../base/clock.ts";
import { answerUnread } from "./problem.ts";

/** Bodies that may take longer, as long as they go on. */
const uploads = new WeakSet<IncomingMessage>();

/** Of an upload so much must have come each time, unless it is this server that does not read on. */
const uploadBytesMin = 64 * 1024;

/** Lets the body of a request take longer than others may: a file, of whoever may send one. */
export function allowUpload(request: IncomingMessage): void {
  uploads.add(request);
}

/**
 * Ends what has not sent its body after `msMax` (408). Node's own `requestTimeout` knows no exception, and a file takes longer; it ends once it
 * has come to a standstill.
 */
export function boundBodies(next: RequestListener, msMax: number, clock: Clock): RequestListener {
  return (request, response) => {
    if (Number(request.headers["content-length"] ?? 0) > 0 || request.headers["transfer-encoding"] !== undefined) {
      const { socket } = request;
      let bytes = socket.bytesRead;
      const end = clock.every(msMax, () => {
        const isMoving = socket.bytesRead - bytes >= uploadBytesMin || request.readableLength > 0;
        bytes = socket.bytesRead;
        if (uploads.has(request) && isMoving) return;
        end();
        // In the middle of an answer there is no place for another one.
        if (response.headersSent) socket.destroy();
        else answerUnread({ name: "Error", message: "", code: "ERR_HTTP_REQUEST_TIMEOUT" }, socket);
      });
      request.once("end", end).once("close", end);
    }
    next(request, response);
  };
}
