import Type from "typebox";
import { body, deviceId, orNull, type ReadonlyBody, time } from "./body.ts";

/** Bodies of `/api/v1` about the server itself, and about what is made there for administrators. */

const bytes = (description: string) => Type.Integer({ minimum: 0, description: `${description}, bytes` });
const counted = (description: string) => Type.Integer({ minimum: 0, description });

const certificateSchema = body("Certificate", "A certificate that the server shows, or one of its chain.", {
  subject: Type.String({ examples: ["CN=board.example.org"] }),
  issuer: Type.String(),
  valid_from: time("It counts from then on"),
  valid_to: time("It ends then"),
  days_left: Type.Integer({ description: "Whole days until it ends; below zero where it has ended" }),
});

export const serverSchema = body("Server", "How the server itself does.", {
  version: Type.String({ examples: ["0.2.0+8d1f0c2a9b3e"] }),
  node: Type.String({ examples: ["v26.1.0"] }),
  sqlite: Type.String({ examples: ["3.51.3"] }),
  started_at: time("When it was started"),
  now: time("Its clock"),
  time_zone: Type.String({ description: "Where days begin for devices that have no zone of their own" }),
  status: Type.Enum(["starting", "ready", "degraded", "stopping"], {
    description: "As `/readyz` says; degraded: live, but not storing",
  }),
  fault: orNull(Type.String({ description: "Why it is degraded; null where it is not" })),
  public_url: orNull(Type.String({ description: "What links begin with; null where nobody has said (`public_url`)" })),
  data_dir: Type.String({ description: "Where everything is kept" }),
  store: body("ServerStore", "The lane to the store.", {
    description: Type.String({ examples: ["the embedded store, SQLite 3.51.3"] }),
    queued_bytes: bytes("What waits for it"),
    queued_bytes_max: bytes("With more than that samples are live and not stored"),
    unanswered_ms: Type.Integer({ minimum: 0, description: "For how long it has not answered what it was given, ms" }),
    stored_at: orNull(time("When it stored samples last, since the start")),
    unstored: counted("Samples that were live and not stored, since the start"),
    renewed_share: Type.Number({ description: "Of the summaries that are made anew; 1 where none are" }),
    retention_days: counted("Samples older than this are deleted; 0: kept for ever"),
  }),
  live: body("ServerLive", "The live lane, since the start.", {
    accepted: counted("Messages of devices that were taken"),
    dropped: counted("Messages of devices that were not"),
    delivered: counted("Messages handed to dashboards"),
    stalled_ms: Type.Integer({ minimum: 0, description: "How long nothing could be read, all in all, ms" }),
    open_commands: counted("Commands that have not ended"),
  }),
  links: body("ServerLinks", "Open connections.", {
    devices: counted("Registered devices"),
    devices_online: counted("Devices that are connected"),
    dashboards: counted("Dashboards of one device, of the fleet, and of SMART-OS"),
    sockets: counted("Sockets of any kind"),
    sockets_max: counted("With more than that, WebSockets are refused"),
    slow_readers: counted("Dashboards that were cut since they did not read, since the start"),
  }),
  disk: body("ServerDisk", "The disk of the data folder.", {
    free_bytes: orNull(bytes("What the server may still write; null where the system does not tell")),
  }),
  certificates: Type.Array(certificateSchema, {
    description: "Of the server and its chain; empty where it does not speak TLS itself",
  }),
});
export type ServerBody = ReadonlyBody<Type.Static<typeof serverSchema>>;
export type CertificateBody = ReadonlyBody<Type.Static<typeof certificateSchema>>;

export const backupsSchema = body("Backups", "Copies that lie in the data folder until they are fetched.", {
  making: orNull(Type.Number({ description: "How far the one is that is being made, 0 to 1; null: none" })),
  backups: Type.Array(
    body("Backup", "A copy of everything that is kept.", {
      backup_id: Type.String(),
      made_at: time("When it was made"),
      kept_until: orNull(time("When it goes by itself; null while somebody fetches it")),
      bytes: bytes("All its files together"),
      samples: orNull(counted("Samples that it holds at least; null where it does not hold the store")),
      note: orNull(Type.String({ description: "What to do where the store is not in it" })),
      files: Type.Array(
        body("BackupFile", "A file of a backup.", {
          name: Type.String(),
          bytes: bytes("Its size"),
          sha256: Type.String(),
        }),
      ),
    }),
  ),
});
export type BackupsBody = ReadonlyBody<Type.Static<typeof backupsSchema>>;
export type BackupBody = BackupsBody["backups"][number];

export const exportOutcomes = ["running", "done", "left", "failed"] as const;
export const exportsSchema = body("Exports", "Exports of whoever asks, the newest first; an administrator's are all.", {
  exports: Type.Array(
    body("Export", "An export of samples that runs, or ran.", {
      by: Type.String({ description: "Who asked for it", examples: ["person ada"] }),
      devices: counted("How many devices it is of"),
      device_id: orNull(deviceId),
      format: Type.String({ examples: ["csv"] }),
      from: orNull(time("Samples from then on; null: all")),
      to: time("Samples before then"),
      started_at: time("When it was asked for"),
      ended_at: orNull(time("When it ended; null while it runs")),
      bytes: bytes("What has been handed over so far"),
      outcome: Type.Enum([...exportOutcomes], { description: "left: whoever asked went away before its end" }),
      left_out: Type.String({ description: "What could not be read of the store, and is missing; empty: nothing" }),
    }),
  ),
});
export type ExportsBody = ReadonlyBody<Type.Static<typeof exportsSchema>>;
export type ExportBody = ExportsBody["exports"][number];

export const deviceLinesSchema = body(
  "DeviceLines",
  "What a device is given so that it connects. Its token is not among it.",
  {
    device_id: deviceId,
    url: Type.String({ description: "The server's address for the SDKs", examples: ["https://board.example.org"] }),
    socket_url: Type.String({
      description: "The device's WebSocket",
      examples: ["wss://board.example.org/ws/device/ems_001"],
    }),
    env: Type.String({ description: "Lines of a `.env`; `API_TOKEN=` and the token go below them" }),
    lines: Type.Array(
      body("DeviceLine", "How a device connects, in one language.", {
        title: Type.String({ examples: ["Python"] }),
        text: Type.String({ description: "To be copied; it reads the token from the `.env`" }),
      }),
    ),
  },
);
export type DeviceLinesBody = ReadonlyBody<Type.Static<typeof deviceLinesSchema>>;
