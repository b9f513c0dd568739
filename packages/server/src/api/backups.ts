import { createReadStream } from "node:fs";
import { join } from "node:path";
import { type BackupsBody, backupsSchema, paths, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import { packTar } from "modern-tar/fs";
import Type from "typebox";
import { randomId } from "../base/random-id.ts";
import { auditedTask } from "../http/access-guard.ts";
import { onAnswerEnd } from "../http/answer-end.ts";
import { defineRoute, type RouteDefinition } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { longTaskMsMax, progressWords, sendProgress } from "../http/progress-stream.ts";
import { makeBackup, verifyBackup } from "../transfer/backup/backup.ts";
import type { ArchiveParts } from "./archive-parts.ts";
import { BackupShelf } from "./backup-shelf.ts";

const backupParams = Type.Object({ id: Type.String({ description: "The backup's `backup_id`" }) });
const fileParams = Type.Object({
  ...backupParams.properties,
  name: Type.String({ description: "A file of its manifest" }),
});
const removedSchema = Type.Object({ backup_id: Type.String() });

const gone = refuse("not_found", "A backup goes an hour after somebody has used it last; make another.");
const adminTask = (about: Omit<RouteDefinition, "role" | "tag">) =>
  defineRoute({ ...about, tag: "Archive", role: "admin", timeoutMs: longTaskMsMax });

/**
 * `/api/v1/backups`: a `POST` makes a consistent copy and tells its progress, its files are then fetched one by one or all in one, a `DELETE` ends
 * it. One at a time, since each takes as much of the disk as the store.
 */
export function registerBackupApi(app: FastifyInstance, parts: ArchiveParts): void {
  const shelf = new BackupShelf(parts.clock, parts.dataDir);
  app.addHook("onClose", async () => shelf.clear());
  registerMaking(app, parts, shelf);
  registerFetching(app, parts, shelf);
}

function registerMaking(app: FastifyInstance, parts: ArchiveParts, shelf: BackupShelf): void {
  const { newId = randomId } = parts;

  app.post(
    `${paths.api}/backups`,
    adminTask({
      summary: "Make a consistent copy of everything",
      description: progressWords,
      answer: ["application/x-ndjson"],
      errors: [429],
    }),
    (request, reply) => {
      const id = newId(16);
      const made = shelf.begin(id);
      if (made === null) return sendRefusal(reply, refuse("busy"));
      return sendProgress(reply, parts, async (progress, signal) => {
        const tell = (share: number): void => {
          made.share = share;
          progress(share);
        };
        try {
          const manifest = await auditedTask(parts, request, { action: "backup.make", target: id }, () =>
            makeBackup(parts, made.folder, tell),
          );
          signal.throwIfAborted();
          shelf.put(made, manifest);
          return { backup_id: id, manifest };
        } catch (error) {
          shelf.clear();
          throw error;
        }
      });
    },
  );

  app.delete<{ Params: { id: string } }>(
    `${paths.api}/backups/:id`,
    adminTask({
      summary: "Delete a backup that was fetched",
      params: backupParams,
      answer: removedSchema,
      errors: [404],
    }),
    (request, reply) => {
      const { id } = request.params;
      if (shelf.find(id) === null) return sendRefusal(reply, refuse("not_found"));
      shelf.clear();
      return { backup_id: id };
    },
  );
}

function registerFetching(app: FastifyInstance, parts: ArchiveParts, shelf: BackupShelf): void {
  app.get(
    `${paths.api}/backups`,
    adminTask({ summary: "Backups that can be fetched, and the one that is being made", answer: backupsSchema }),
    (_request, reply): BackupsBody => {
      reply.header("Cache-Control", "no-store");
      return shelf.list();
    },
  );

  app.post<{ Params: { id: string } }>(
    `${paths.api}/backups/:id/verify`,
    adminTask({
      summary: "Read a backup again, and compare it with its checksums",
      description: `${progressWords} The result is \`{"faults": [what is not as it was made, …]}\`.`,
      params: backupParams,
      answer: ["application/x-ndjson"],
      errors: [404],
    }),
    (request, reply) => {
      const used = shelf.use(request.params.id);
      if (used === null) return sendRefusal(reply, gone);
      return sendProgress(reply, parts, async (progress, signal) => {
        try {
          return { faults: await verifyBackup(used.folder, used.manifest, progress, signal) };
        } finally {
          shelf.letGo(used);
        }
      });
    },
  );

  app.get<{ Params: { id: string } }>(
    `${paths.api}/backups/:id/tar`,
    adminTask({
      summary: "All of a backup in one file, for `wattboard restore`",
      params: backupParams,
      answer: ["application/x-tar"],
      errors: [404],
    }),
    (request, reply) => {
      const used = shelf.use(request.params.id);
      if (used === null) return sendRefusal(reply, gone);
      onAnswerEnd(reply.raw, () => shelf.letGo(used));
      const name = `wattboard-backup-${used.manifest.made_at.slice(0, 10)}.tar`;
      reply.header("Content-Disposition", `attachment; filename="${name}"`);
      reply.header("Cache-Control", "no-store");
      return reply.type("application/x-tar").send(packTar(used.folder));
    },
  );

  app.get<{ Params: { id: string; name: string } }>(
    `${paths.api}/backups/:id/:name`,
    adminTask({
      summary: "A file of a backup",
      params: fileParams,
      answer: ["application/octet-stream"],
      errors: [404],
    }),
    (request, reply) => {
      const used = shelf.use(request.params.id);
      if (used === null) return sendRefusal(reply, gone);
      onAnswerEnd(reply.raw, () => shelf.letGo(used));
      const file = used.manifest.files.find(({ name }) => name === request.params.name);
      if (file === undefined) return sendRefusal(reply, refuse("not_found", "Its manifest names no such file."));
      reply.header("Content-Length", file.bytes);
      return reply.type("application/octet-stream").send(createReadStream(join(used.folder, file.name)));
    },
  );
}
