import Type from "typebox";
import { body, deviceId, nextCursor, orNull, type ReadonlyBody, time } from "./body.ts";

/** The bodies of `/api/v1` that are about people and their rights. Times are RFC 3339 in UTC. */

const role = Type.Enum(["viewer", "operator", "admin"], { description: "Each includes the ones before it" });
/** What a person or a token may do; each includes the ones before it. */
export type RoleName = Type.Static<typeof role>;

const personName = Type.String({ examples: ["ada"] });
const email = orNull(Type.String({ examples: ["ada@example.org"] }));
const given = orNull(Type.Array(Type.String(), { description: "The devices given to them" }));

export const meSchema = body("Me", "Who asks, and what they may do.", {
  kind: Type.Enum(["anonymous", "local", "person", "token", "share"], {
    description: "`anonymous` where dashboards are public and nobody is signed in",
  }),
  name: personName,
  role,
  devices: given,
  shared_devices: Type.Array(Type.String(), { description: "Devices that a share link lets them look at besides" }),
  email,
  session_expires_at: orNull(time("When the session ends; null where there is none")),
});
/** `GET /api/v1/me`, and the answer to signing in. `devices` is null where all are given to them. */
export type MeBody = ReadonlyBody<Type.Static<typeof meSchema>>;

export const signedOutSchema = body("SignedOut", "The answer to signing out.", {
  signed_out: Type.Boolean({ description: "Whether somebody was signed in here" }),
});

export const personSchema = body("Person", "Someone with an account.", {
  name: personName,
  email,
  role,
  devices: given,
  created_at: time("When the account was made"),
  active: Type.Boolean({ description: "False until they have chosen a password" }),
  sessions: Type.Integer({ minimum: 0, description: "Browsers in which they are signed in" }),
});
/** Someone with an account. `devices` is null where all are given to them. */
export type PersonBody = ReadonlyBody<Type.Static<typeof personSchema>>;

export const peopleSchema = body("People", "All accounts.", { people: Type.Array(personSchema) });

const outstandingItem = body("OutstandingItem", "Something that goes on without whoever set it going.", {
  kind: Type.Enum(["share_link", "command", "fleet_command", "api_token", "one_time_link"], {
    description: "Of commands those that no device has been given yet",
  }),
  id: Type.String({ description: "Of a one-time link its kind" }),
  device_id: orNull(deviceId),
  about: Type.String({
    description: "A link's label, a command's action, a token's role, whom a one-time link is for",
  }),
});
export type OutstandingItem = ReadonlyBody<Type.Static<typeof outstandingItem>>;

export const outstandingSchema = body("Outstanding", "What rests on somebody, and ends when they may not any more.", {
  count: Type.Integer({ minimum: 0 }),
  items: Type.Array(outstandingItem, { description: "The first 200" }),
});
export type OutstandingBody = ReadonlyBody<Type.Static<typeof outstandingSchema>>;

const ended = { ended: outstandingSchema };

export const changedPersonSchema = body(
  "ChangedPerson",
  "Someone whose account was changed or removed, and what ended with that.",
  { ...personSchema.properties, ...ended },
);
/** The answer to changing or removing somebody. */
export type ChangedPersonBody = ReadonlyBody<Type.Static<typeof changedPersonSchema>>;

const url = orNull(
  Type.String({
    description: "All of it; null where the server has not been told its `public_url`",
    examples: ["https://board.example.org/welcome#…"],
  }),
);

export const issuedLinkSchema = body("IssuedLink", "A link that works once; it is shown only now.", {
  path: Type.String({ description: "To be put behind the server's address", examples: ["/welcome#…"] }),
  url,
  expires_at: time("It works no longer than until then"),
});
/** A link that works once: `path` is to be put behind the server's address, and is shown only now. */
export type IssuedLinkBody = ReadonlyBody<Type.Static<typeof issuedLinkSchema>>;

export const invitedSchema = body("Invited", "A new account, and the link by which they choose a password.", {
  person: personSchema,
  link: issuedLinkSchema,
});

export const firstStepsSchema = body("FirstSteps", "What comes next on a server that is new, or has no devices.", {
  is_new: Type.Boolean({ description: "Nobody administers the server yet" }),
  setup_command: orNull(
    Type.String({
      description: "The command line that makes a link to create the administrator; null where there is one",
      examples: ["npx wattboard user setup-link --data-dir /var/lib/wattboard"],
    }),
  ),
  add_device_command: orNull(
    Type.String({
      description: "The command line that registers a device, for administrators; null for others",
      examples: ["npx wattboard device add ems_001 --data-dir /var/lib/wattboard"],
    }),
  ),
});
/** `GET /api/v1/first-steps` */
export type FirstStepsBody = ReadonlyBody<Type.Static<typeof firstStepsSchema>>;

export const oneTimeLinkSchema = body("OneTimeLink", "What a link is for, before it is used up.", {
  kind: Type.Enum(["setup", "password", "sign_in"]),
  person: orNull(Type.String({ description: "Whose it is; null where it creates the administrator" })),
  expires_at: issuedLinkSchema.properties.expires_at,
});
/** `POST /api/v1/one-time-links/inspect` */
export type OneTimeLinkBody = ReadonlyBody<Type.Static<typeof oneTimeLinkSchema>>;

export const shareLinkSchema = body("ShareLink", "A read-only link to one device, without its secret.", {
  share_id: Type.String(),
  device_id: deviceId,
  label: Type.String({ description: "For whom it is" }),
  created_by: orNull(Type.String({ description: "Null for whoever has neither an account nor a token" })),
  created_at: time("When it was made"),
  expires_at: time("When it ends"),
});
/** A read-only link to one device. */
export type ShareLinkBody = ReadonlyBody<Type.Static<typeof shareLinkSchema>>;

export const shareLinksSchema = body("ShareLinks", "The links to a device that hold.", {
  share_links: Type.Array(shareLinkSchema),
});
export const allShareLinksSchema = body("AllShareLinks", "A page of the share links that hold.", {
  share_links: Type.Array(shareLinkSchema),
  next_cursor: nextCursor,
});
/** `GET /api/v1/share-links` */
export type AllShareLinksBody = ReadonlyBody<Type.Static<typeof allShareLinksSchema>>;
export const newShareLinkSchema = body("NewShareLink", "A new link, which is shown this once.", {
  share_link: shareLinkSchema,
  path: Type.String({ description: "To be put behind the server's address", examples: ["/share#…"] }),
  url,
});

/** `POST /api/v1/tickets` */
export const newTicketSchema = Type.Object(
  { device_id: Type.Optional(Type.String({ maxLength: 64, description: "Whose samples; left out: the fleet" })) },
  { additionalProperties: false },
);
export const ticketSchema = body("Ticket", "A ticket, which is shown this once.", {
  ticket: Type.String({ description: "Offered as the subprotocol `ticket.<ticket>`" }),
  expires_at: time("When it ends, if it is not used before"),
});

export const auditRowSchema = body("AuditRow", "Who did what, and how it ended.", {
  seq: Type.Integer({ minimum: 1 }),
  at: time("When"),
  who: Type.String({ examples: ["person ada"] }),
  address: Type.String({ description: "From where", examples: ["192.0.2.1"] }),
  action: Type.String({ examples: ["person.add"] }),
  device_id: orNull(deviceId),
  target: orNull(Type.String({ description: "What else it was done to" })),
  outcome: Type.String({ description: "`done`, or the code of the refusal" }),
  detail: Type.Record(Type.String(), Type.Unknown()),
  hash: Type.String({ description: "SHA-256 over the hash of the row before and this row" }),
});
/** One row of the audit. */
export type AuditBody = ReadonlyBody<Type.Static<typeof auditRowSchema>>;

export const auditSchema = body("Audit", "A page of the audit, newest first.", {
  audit: Type.Array(auditRowSchema),
  next_cursor: nextCursor,
});

export const auditReportSchema = body("AuditReport", "Whether the audit's chain of hashes holds.", {
  whole: Type.Boolean(),
  fault: orNull(Type.String({ description: "What is wrong, and where; null where it is whole" })),
  rows: Type.Integer({ minimum: 0 }),
  first_seq: Type.Integer(),
  last_seq: Type.Integer(),
  last_hash: Type.String({ description: "Kept elsewhere, it shows later whether the end was cut off" }),
});
/** `GET /api/v1/audit/verify` */
export type AuditReportBody = ReadonlyBody<Type.Static<typeof auditReportSchema>>;
