import { limits } from "@wattboard/protocol";
import Type from "typebox";
import { isTimeZone, machineZone } from "../base/time-zone.ts";

const count = (fallback: number, description: string, minimum = 1) =>
  Type.Integer({ default: fallback, minimum, maximum: Number.MAX_SAFE_INTEGER, description });

/**
 * Every setting, once: its type, its default and what it does. From this table come the configuration file's shape, the environment's
 * names (`access.dashboards` is `WATTBOARD_ACCESS_DASHBOARDS`), the flags (`--access-dashboards`) and the reference page.
 */
export const configSchema = Type.Object({
  host: Type.String({
    default: "127.0.0.1",
    minLength: 1,
    description:
      "Address to listen on. `0.0.0.0` opens the server to the network, for which it needs `tls`, `access.trusted_proxies` or `insecure`.",
  }),
  port: Type.Integer({
    default: 8000,
    minimum: 0,
    maximum: 65_535,
    description: "Port to listen on; 0 takes a free one.",
  }),
  base_path: Type.String({
    default: "",
    maxLength: 200,
    pattern: "^(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*$",
    examples: ["/energy"],
    description:
      "Path under which a proxy serves everything, e.g. `/energy` for `https://example.org/energy/`. The proxy may take it off or pass it on.",
  }),
  public_url: Type.String({
    default: "",
    maxLength: 300,
    pattern: "^(?:https?://[^/?#\\s]+)?$",
    examples: ["https://board.example.org"],
    description:
      "Address at which people reach the server, e.g. `https://board.example.org`, without a path: that is `base_path`. Links that the server gives out begin with it, and its pages may connect as if it stood in `access.origins`. Empty: where it listens, and for links made in a page where that page was opened.",
  }),
  data_dir: Type.String({ default: "./data", minLength: 1, description: "Folder for everything that is kept." }),
  insecure: Type.Boolean({
    default: false,
    description:
      "Speak without TLS beyond loopback: passwords and tokens can be read on their way. For a network that nobody else is on.",
  }),
  tls: Type.Object({
    cert: Type.String({
      default: "",
      description:
        "File with the certificate and its chain (PEM). With `tls.key` the server speaks TLS; SIGHUP reads both anew.",
    }),
    key: Type.String({ default: "", description: "File with the certificate's private key (PEM)." }),
  }),
  access: Type.Object({
    dashboards: Type.Enum(["people", "public"], {
      default: "people",
      description:
        "Who may look: `people` asks people to sign in and programs for an API token, `public` lets in whoever reaches the server.",
    }),
    origins: Type.Array(Type.String({ pattern: "^https?://[^/]+$" }), {
      default: [],
      examples: ["https://board.example.org"],
      description:
        "Further browser origins whose pages may connect, e.g. `https://board.example.org`; the server's own page always may.",
    }),
    trusted_proxies: Type.Array(Type.String({ pattern: "^[0-9a-fA-F.:]+(/[0-9]{1,3})?$" }), {
      default: [],
      examples: ["10.0.0.0/8"],
      description:
        "Addresses or networks of proxies in front of the server, e.g. `10.0.0.7`. Only theirs are `X-Forwarded-For`, `-Proto` and `-Host` believed, or `Forwarded` (RFC 7239) where they send none of these.",
    }),
    metrics_from: Type.Array(Type.String({ pattern: "^[0-9a-fA-F.:]+(/[0-9]{1,3})?$" }), {
      default: [],
      examples: ["10.0.0.9"],
      description:
        "Addresses or networks that may read `/metrics` without a token, e.g. that of Prometheus. Others need an API token for all devices, unless `access.dashboards` is `public`.",
    }),
    peers: Type.Boolean({
      default: false,
      description:
        "Devices may get the samples of others over their own connection, where an administrator has given them the property `peers` (`site` or `owner`).",
    }),
    claim_sign_up: Type.Boolean({
      default: true,
      description:
        "Whoever has the label of a box, and no account, may make one as they claim it: an operator's, for this device alone. Off: an administrator invites them first.",
    }),
    session_ms: count(
      7 * 24 * 3_600_000,
      "How long somebody stays signed in in a browser; then they sign in again.",
      60_000,
    ),
  }),
  audit: Type.Object({
    rows: count(
      100_000,
      "Acts that can be searched; above it the oldest thousand go into an archive file beside the data.",
      1_000,
    ),
    archives: count(10_000, "Archive files of the audit; above it the oldest is deleted.", 0),
  }),
  limits: Type.Object({
    messages_per_second: count(
      limits.messagesPerSecond,
      "Telemetry messages a second for one device; what is above is dropped and counted. What a device sent while the server stood still is let through.",
    ),
    messages_burst: count(limits.messagesBurst, "Messages that a device may send at once before the rate applies."),
    connects_per_second: count(
      500,
      "Devices that may connect a second, twice as many at once; the others are answered 503 with a Retry-After of up to 10 s.",
    ),
    backfill_per_second: count(
      5_000,
      "Samples of before that all devices together may send a second; each is told its share, and none while the queue to the store is more than half full.",
    ),
    backfill_per_device: count(1_000, "Of these, what one device may send at the most."),
    points: Type.Integer({
      default: limits.extraPointsMax,
      minimum: 0,
      maximum: 512,
      description:
        "Points outside the catalogue that one device may have; what is beyond is left out of its messages, counted and shown. Those not sent for an hour make room.",
    }),
    viewer_frames_per_second: count(
      limits.viewerFramesPerSecond,
      "Frames of any kind, pings too, that a viewer of a dashboard, of the fleet or of `/client/` may send; above it its link is closed with 1008.",
    ),
    viewer_frames_burst: count(
      limits.viewerFramesBurst,
      "Frames that such a viewer may send at once before that applies.",
      10,
    ),
    sockets_per_address: count(
      4_096,
      "Sockets that one address may hold open, not counting devices that are let in; more are closed at once.",
    ),
    sockets: count(
      100_000,
      "Sockets in all, or as many as the limit of open files leaves. Above it WebSockets are refused with 503, and a plain request is answered and its socket closed.",
    ),
    handshake_ms: count(10_000, "How long a request's headers, and a WebSocket handshake, may take; then 408.", 100),
    query_ms: count(30_000, "How long the API may take to answer; then 504, and the store stops working on it.", 100),
  }),
  answers: Type.Object({
    bytes: count(
      64 * 1024 * 1024,
      "Bytes of answers to HTTP requests that may be under way, being made or not taken yet; above it questions are refused with 503 until some are taken.",
      1024 * 1024,
    ),
    bytes_each: count(
      16 * 1024 * 1024,
      "The same for one person or token, or for one address where nobody in particular asks; above it 429.",
      1024 * 1024,
    ),
    stalled_ms: count(
      30_000,
      "Who takes nothing (less than 64 KiB) of what waits for so long is cut off, at every HTTP address, downloads and the page's files included; after 3 s while `answers.bytes` is reached.",
      1_000,
    ),
  }),
  heartbeat: Type.Object({
    ping_ms: count(25_000, "Every link is pinged this often.", 1_000),
    pong_ms: count(10_000, "A pinged link that stays silent for this long is cut.", 1_000),
  }),
  outbox: Type.Object({
    bytes: count(1024 * 1024, "Bytes that may wait for a slow dashboard; one more message and it is cut.", 64 * 1024),
    stalled_ms: count(10_000, "A dashboard that reads nothing for this long while something waits is cut.", 1_000),
    resume_bytes: count(
      32 * 1024 * 1024,
      "Bytes of live frames that are kept, of the last minute, for dashboards that come back after a lost connection. Above it those of one device go, the one that has kept some for longest; its dashboards read what they missed from the history.",
      1024 * 1024,
    ),
  }),
  takeover: Type.Object({
    max: count(
      5,
      "Takeovers of one device within the window; then the connected one stays and the other gets 429 (clone containment).",
    ),
    window_ms: count(60_000, "The window for `takeover.max`.", 1_000),
  }),
  fleet: Type.Object({
    tick_ms: count(500, "How often the fleet page is sent what changed.", 100),
    rows_per_tick: count(2_000, "Rows sent to the fleet page in one tick; the rest follows in the next."),
  }),
  site: Type.Object({
    time_zone: Type.Refine(
      Type.String({
        default: machineZone,
        description:
          "IANA name of the time zone in which days and months begin, e.g. `Europe/Vienna`, for devices that have no property `time_zone`; `machine`: that of the machine the server runs on.",
      }),
      (name) => name === machineZone || isTimeZone(name),
    ),
  }),
  commands: Type.Object({
    per_second: count(
      50,
      "Commands a second that one token or person may give; what is above is refused with 429. A fleet command counts as one.",
    ),
    burst: count(2_000, "Commands that one token or person may give at once before the rate applies."),
  }),
  notify: Type.Object({
    smtp_url: Type.String({
      default: "",
      pattern: "^(?:smtps?://[^\\s]+)?$",
      examples: ["smtps://board:password@mail.example.org"],
      description:
        "Mail server by which people are told of alarms, with its name and password: `smtps://` (port 465), or `smtp://` (port 587), which turns to TLS where the server offers it. Empty: no e-mail. Other users of the machine see flags: set it in the environment or in the file.",
    }),
    mail_from: Type.String({
      default: "wattboard@localhost",
      maxLength: 320,
      pattern: "^[^\\r\\n]{3,}$",
      examples: ["Wattboard <board@example.org>"],
      description: "Sender of its messages, as the mail server allows it; push services are told it as the contact.",
    }),
    private_networks: Type.Array(Type.String({ pattern: "^[0-9a-fA-F.:]+(/[0-9]{1,3})?$" }), {
      default: [],
      examples: ["192.168.1.0/24"],
      description:
        "Addresses or networks that are not of the internet and to which webhooks may go all the same, also without TLS, e.g. that of Home Assistant. All people who have an account can have something sent there.",
    }),
    per_hour: count(
      30,
      "Messages that one person is sent within an hour, tests included; what is above is collected and told in one message.",
    ),
  }),
  store: Type.Object({
    url: Type.String({
      default: "embedded",
      minLength: 1,
      description:
        "Where samples are kept: `embedded` is a file in the data folder, `postgres://user:password@host:5432/database` is PostgreSQL 15 or newer, with TimescaleDB where it is there. Other users of the machine see flags: set an address with a password in the environment or in the file.",
    }),
    flush_ms: count(250, "A sample waits at most this long before it is handed to the store.", 10),
    flush_bytes: count(4 * 1024 * 1024, "A batch of samples is handed over as soon as it is this large.", 64 * 1024),
    queue_bytes: count(
      64 * 1024 * 1024,
      "Bytes that may wait for a slow store. Above it samples are live but not stored: counted as `unstored`, and an event says so.",
      1024 * 1024,
    ),
    retention_days: count(
      0,
      "Samples older than this are deleted; what charts of years need of them stays. 0 keeps them for ever.",
      0,
    ),
    memory_bytes: count(
      48 * 1024 * 1024,
      "Samples held in memory until a minute of each device is together, bytes; above it they are written sooner. They are safe on disk all the while.",
      1024 * 1024,
    ),
    journal_bytes: count(
      1024 * 1024 * 1024,
      "Size of the journal, which usually holds the last five minutes. Above it, since samples cannot be moved on to blocks, no more are taken, and health says so.",
      1024 * 1024,
    ),
    bytes: count(
      0,
      "Size of the store's file. Above it no samples are taken, as if the disk were full; when old ones are deleted it goes on. 0: as large as the disk allows.",
      0,
    ),
  }),
  smart_os: Type.Object({
    access: Type.Enum(["off", "token", "open"], {
      default: "off",
      description:
        "The doors of SMART-OS, `/update/` for devices and `/client/` for web clients. `token` asks devices for their token in the header, `open` lets in who names a device of this dialect: for a network that nobody else is on. Web clients are asked as `access.dashboards` says.",
    }),
    ok_after: Type.Enum(["accepted", "stored"], {
      default: "accepted",
      description:
        "When a device is answered `OK`: once its message is accepted and delivered, or once it is stored. With `stored` a device that keeps what was not answered loses nothing.",
    }),
    auto_register: Type.Boolean({
      default: false,
      description:
        "With `smart_os.access: open`, register devices that nobody knows. Without it they wait for `wattboard device accept`.",
    }),
    registered_max: count(
      10_000,
      "With so many registered devices `smart_os.auto_register` registers no more; the others wait.",
    ),
    client_bytes: count(
      32 * 1024 * 1024,
      "Bytes that may wait for a slow `/client/`; one more message and it is cut. The dataset must fit: some 400 bytes a device.",
      64 * 1024,
    ),
  }),
  log: Type.Object({
    level: Type.Enum(["debug", "info", "warn", "error", "silent"], {
      default: "info",
      description: "Least level that is logged.",
    }),
    general: Type.Enum(["off", "smart_os", "all"], {
      default: "smart_os",
      description:
        "Whose messages towards the server are written to `general.log` in the data folder, one a line and without secrets: those of the SMART-OS doors, or of the device door as well.",
    }),
    general_bytes: count(
      1024 * 1024,
      "Size of `general.log` and `general.log.1` together; when it is reached the older half goes.",
      256 * 1024,
    ),
  }),
});

export type Config = Type.Static<typeof configSchema>;
