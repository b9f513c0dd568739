/** One kind of message on a door. */
export interface MessageSpec {
  /** Who sends it: the server, or whoever has connected. */
  readonly from: "server" | "peer";
  /** Travels only where both have agreed on the subprotocol. */
  readonly isOfSubprotocol?: boolean;
  /** Its schema. */
  readonly payload: object;
  /** What it is, where the schema's description does not say it. */
  readonly summary?: string;
  /** The messages of this door that answer it. */
  readonly replies?: readonly string[];
  /** Whole messages, by what they show. */
  readonly examples: Readonly<Record<string, object>>;
}

/** One WebSocket address, and all that is said there. */
export interface DoorSpec {
  readonly address: string;
  readonly title: string;
  readonly description: string;
  /** What lets somebody in; one of them is enough. None: nothing is asked for. */
  readonly security: readonly SecurityScheme[];
  /** What may stand in the address behind a question mark: JSON Schemas by name. */
  readonly query?: Readonly<Record<string, object>>;
  readonly messages: Readonly<Record<string, MessageSpec>>;
}

export const securitySchemes = {
  device: { type: "http", scheme: "bearer", description: "The device's token, which `wattboard device add` prints" },
  viewer: {
    type: "http",
    scheme: "bearer",
    description:
      "An API token: `wattboard api-token add NAME --role viewer`. Nothing is asked for where `access.dashboards` is `public`",
  },
  session: {
    type: "httpApiKey",
    in: "cookie",
    name: "__Host-wattboard",
    description: "A browser in which somebody is signed in, for pages of the server itself and of `access.origins`",
  },
  share: {
    type: "httpApiKey",
    in: "cookie",
    name: "__Host-wattboard-share",
    description: "A browser that has opened a share link, likewise",
  },
  ticket: {
    type: "httpApiKey",
    in: "header",
    name: "Sec-WebSocket-Protocol",
    description: "`wattboard.v1, ticket.<ticket>`: for one connection, from `POST /api/v1/tickets`",
  },
} as const;
type SecurityScheme = keyof typeof securitySchemes;
