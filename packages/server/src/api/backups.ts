import { createReadStream, rmSync } from "node:fs";
import { join } from "node:path";
import { paths, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import Type from "typebox";
import type { CancelTimer } from "../base/clock.ts";
import { randomId } from "../base/random-id.ts";
import { removeLeftOver, temporaryPath } from "../base/temporary-files.ts";
import { auditedTask } from "../http/access-guard.ts";
import { onAnswerEnd } from "../http/answer-end.ts";
import { defineRoute, type RouteDefinition } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { longTaskMsMax, progressWords, sendProgress } from "../http/progress-stream.ts";
import { type Manifest, makeBackup } from "../transfer/backup/backup.ts";
import type { ArchiveParts } from "./archive-parts.ts";

const backupParams = Type.Object({ id: Type.String({ description: "The backup's `backup_id`" }) });
const fileParams = Type.Object({
  ...backupParams.properties,
  name: Type.String({ description: "A file of its manifest" }),
});
const removedSchema = Type.Object({ backup_id: Type.String() });

interface Backup {
  readonly id: string;
  readonly folder: string;
  /** Null until it is whole. */
  manifest: Manifest | null;
  cancelExpiry: CancelTimer;
}

/** Copies lie in the data folder until they are fetched; one that nobody fetches goes after this time. */
const keptMsMax = 10 * 60_000;

/**
 * `/api/v1/backups`: a `POST` makes a consistent copy and tells its progress, the files are then fetched one by one, a `DELETE` ends it. One at a
 * time, since each takes as much of the disk as the store.
 */
export function registerBackupApi(app: FastifyInstance, parts: ArchiveParts): void {
  const { clock, dataDir, newId = randomId } = parts;
  const admin = (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({ ...about, tag: "Archive", role: "admin", timeoutMs: longTaskMsMax });
  let backup: Backup | null = null;

  removeLeftOver(dataDir);
  const remove = (): void => {
    backup?.cancelExpiry();
    if (backup !== null) rmSync(backup.folder, { recursive: true, force: true });
    backup = null;
  };
  app.addHook("onClose", async () => remove());

  app.post(
    `${paths.api}/backups`,
    admin({
      summary: "Make a consistent copy of everything",
      description: progressWords,
      answer: ["application/x-ndjson"],
      errors: [429],
    }),
    (request, reply) => {
      if (backup !== null) return sendRefusal(reply, refuse("busy"));
      const id = newId(16);
      const made: Backup = { id, folder: temporaryPath(dataDir, id), manifest: null, cancelExpiry: () => {} };
      backup = made;
      return sendProgress(reply, parts, async (progress, signal) => {
        try {
          made.manifest = await auditedTask(parts, request, { action: "backup.make", target: id }, () =>
            makeBackup(parts, made.folder, progress),
          );
          signal.throwIfAborted();
          made.cancelExpiry = clock.after(keptMsMax, remove);
          return { backup_id: id, manifest: made.manifest };
        } catch (error) {
          remove();
          throw error;
        }
      });
    },
  );

  app.get<{ Params: { id: string; name: string } }>(
    `${paths.api}/backups/:id/:name`,
    admin({ summary: "A file of a backup", params: fileParams, answer: ["application/octet-stream"], errors: [404] }),
    (request, reply) => {
      const { id, name } = request.params;
      const file = backup?.id === id ? backup.manifest?.files.find((each) => each.name === name) : undefined;
      if (backup === null || file === undefined)
        return sendRefusal(reply, refuse("not_found", "Backups are kept for ten minutes."));
      backup.cancelExpiry();
      onAnswerEnd(reply.raw, () => {
        if (backup?.id === id) backup.cancelExpiry = clock.after(keptMsMax, remove);
      });
      reply.header("Content-Length", file.bytes);
      return reply.type("application/octet-stream").send(createReadStream(join(backup.folder, file.name)));
    },
  );

  app.delete<{ Params: { id: string } }>(
    `${paths.api}/backups/:id`,
    admin({ summary: "Delete a backup that was fetched", params: backupParams, answer: removedSchema, errors: [404] }),
    (request, reply) => {
      if (backup?.id !== request.params.id || backup.manifest === null) return sendRefusal(reply, refuse("not_found"));
      remove();
      return { backup_id: request.params.id };
    },
  );
}
