import { createReadStream, rmSync } from "node:fs";
import { join } from "node:path";
import { type BackupBody, type BackupsBody, backupsSchema, paths, refuse } from "@wattboard/protocol";
import type { FastifyInstance } from "fastify";
import { packTar } from "modern-tar/fs";
import Type from "typebox";
import type { CancelTimer } from "../base/clock.ts";
import { isoTime } from "../base/iso-time.ts";
import { randomId } from "../base/random-id.ts";
import { removeLeftOver, temporaryPath } from "../base/temporary-files.ts";
import { auditedTask } from "../http/access-guard.ts";
import { onAnswerEnd } from "../http/answer-end.ts";
import { defineRoute, type RouteDefinition } from "../http/define-route.ts";
import { sendRefusal } from "../http/problem.ts";
import { longTaskMsMax, progressWords, sendProgress } from "../http/progress-stream.ts";
import { type Manifest, makeBackup, verifyBackup } from "../transfer/backup/backup.ts";
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
  /** How far it is. */
  share: number;
  /** Null until it is whole. */
  manifest: Manifest | null;
  /** Those who fetch or verify it just now. */
  users: number;
  /** When it goes by itself, while nobody uses it. */
  expiresAtMs: number;
  cancelExpiry: CancelTimer;
}

/** Copies lie in the data folder until they are fetched; one that nobody uses goes after this time. */
const keptMsMax = 60 * 60_000;
const gone = refuse("not_found", "A backup goes an hour after somebody has used it last; make another.");

/**
 * `/api/v1/backups`: a `POST` makes a consistent copy and tells its progress, its files are then fetched one by one or all in one, a `DELETE` ends
 * it. One at a time, since each takes as much of the disk as the store.
 */
export function registerBackupApi(app: FastifyInstance, parts: ArchiveParts): void {
  const { clock, dataDir, newId = randomId } = parts;
  const admin = (about: Omit<RouteDefinition, "role" | "tag">) =>
    defineRoute({ ...about, tag: "Archive", role: "admin", timeoutMs: longTaskMsMax });
  let backup: Backup | null = null;
  /** The backup of that id, whole; whoever has it keeps it until they let it go. */
  const use = (id: string): (Backup & { readonly manifest: Manifest }) | null => {
    if (backup?.id !== id || backup.manifest === null) return null;
    backup.cancelExpiry();
    backup.users++;
    return backup as Backup & { readonly manifest: Manifest };
  };
  const expire = (made: Backup): void => {
    if (backup !== made || made.users > 0) return;
    made.expiresAtMs = clock.wallMs() + keptMsMax;
    made.cancelExpiry = clock.after(keptMsMax, remove);
  };
  const letGo = (used: Backup): void => {
    used.users--;
    expire(used);
  };

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
      const made: Backup = {
        id,
        folder: temporaryPath(dataDir, id),
        share: 0,
        manifest: null,
        users: 0,
        expiresAtMs: 0,
        cancelExpiry: () => {},
      };
      backup = made;
      return sendProgress(reply, parts, async (progress, signal) => {
        try {
          made.manifest = await auditedTask(parts, request, { action: "backup.make", target: id }, () =>
            makeBackup(parts, made.folder, (share) => {
              made.share = share;
              progress(share);
            }),
          );
          signal.throwIfAborted();
          expire(made);
          return { backup_id: id, manifest: made.manifest };
        } catch (error) {
          remove();
          throw error;
        }
      });
    },
  );

  app.get(
    `${paths.api}/backups`,
    admin({ summary: "Backups that can be fetched, and the one that is being made", answer: backupsSchema }),
    (_request, reply): BackupsBody => {
      reply.header("Cache-Control", "no-store");
      if (backup === null) return { making: null, backups: [] };
      const { manifest, share } = backup;
      return manifest === null
        ? { making: share, backups: [] }
        : { making: null, backups: [backupBody(backup, manifest)] };
    },
  );

  app.post<{ Params: { id: string } }>(
    `${paths.api}/backups/:id/verify`,
    admin({
      summary: "Read a backup again, and compare it with its checksums",
      description: `${progressWords} The result is \`{"faults": [what is not as it was made, …]}\`.`,
      params: backupParams,
      answer: ["application/x-ndjson"],
      errors: [404],
    }),
    (request, reply) => {
      const used = use(request.params.id);
      if (used === null) return sendRefusal(reply, gone);
      return sendProgress(reply, parts, async (progress, signal) => {
        try {
          return { faults: await verifyBackup(used.folder, used.manifest, progress, signal) };
        } finally {
          letGo(used);
        }
      });
    },
  );

  app.get<{ Params: { id: string } }>(
    `${paths.api}/backups/:id/tar`,
    admin({
      summary: "All of a backup in one file, for `wattboard restore`",
      params: backupParams,
      answer: ["application/x-tar"],
      errors: [404],
    }),
    (request, reply) => {
      const used = use(request.params.id);
      if (used === null) return sendRefusal(reply, gone);
      onAnswerEnd(reply.raw, () => letGo(used));
      const day = used.manifest.made_at.slice(0, 10);
      reply.header("Content-Disposition", `attachment; filename="wattboard-backup-${day}.tar"`);
      reply.header("Cache-Control", "no-store");
      return reply.type("application/x-tar").send(packTar(used.folder));
    },
  );

  app.get<{ Params: { id: string; name: string } }>(
    `${paths.api}/backups/:id/:name`,
    admin({ summary: "A file of a backup", params: fileParams, answer: ["application/octet-stream"], errors: [404] }),
    (request, reply) => {
      const { id, name } = request.params;
      const used = use(id);
      if (used === null) return sendRefusal(reply, gone);
      onAnswerEnd(reply.raw, () => letGo(used));
      const file = used.manifest.files.find((each) => each.name === name);
      if (file === undefined) return sendRefusal(reply, refuse("not_found", "Its manifest names no such file."));
      reply.header("Content-Length", file.bytes);
      return reply.type("application/octet-stream").send(createReadStream(join(used.folder, file.name)));
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

function backupBody({ id, users, expiresAtMs }: Backup, { made_at, store, files }: Manifest): BackupBody {
  return {
    backup_id: id,
    made_at,
    kept_until: users > 0 ? null : isoTime(expiresAtMs),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    samples: store.samples,
    note: store.note,
    files,
  };
}
