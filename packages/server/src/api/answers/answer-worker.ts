import { createHash } from "node:crypto";
import { workerData } from "node:worker_threads";
import { lowerThreadPriority } from "../../base/lower-thread-priority.ts";
import { Moved, serveMethods } from "../../base/worker-methods.ts";
import { PortReader } from "../../store/read-port.ts";
import type { AnswerMethods, AnswerSetup } from "./answers.ts";
import { answerTo } from "./questions.ts";

// Behind the store too, which has commits to make; and no further, or whoever waits for a lock that it holds would wait for long.
lowerThreadPriority(10);
// Without its store it can answer nothing; another is started with the next question.
const store = new PortReader((workerData as AnswerSetup).store, () => process.exit());
const encoder = new TextEncoder();

serveMethods<AnswerMethods>({
  async make(question, { signal }) {
    const answered = await answerTo(store, question, signal);
    if ("code" in answered) return answered;
    const bytes = encoder.encode(JSON.stringify(answered.body));
    const etag = `"${createHash("sha1").update(bytes).digest("base64")}"`;
    return new Moved({ bytes, etag, untilMs: answered.untilMs }, [bytes.buffer]);
  },
});
