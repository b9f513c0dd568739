import Type from "typebox";
import { limits } from "../limits.ts";
import { type SmartOsType, smartOsFields, smartOsPaths, smartOsWelcomes } from "../smart-os.ts";
import type { DoorSpec } from "./door-spec.ts";

/** An envelope of these types, around a text. */
function envelope(types: readonly SmartOsType[], description: string) {
  return Type.Object({ type: Type.Enum([...types]), message: Type.String() }, { description });
}

const kinds = { number: orText(Type.Number()), text: orText(Type.String()) } as const;
function orText(schema: Type.TSchema) {
  return Type.Union([schema, Type.String(), Type.Null()]);
}

const datasetSchema = Type.Object(
  {
    type: Type.Literal("INIT"),
    message: Type.Array(
      Type.Object(Object.fromEntries(smartOsFields.map(({ name, kind }) => [name, Type.Optional(kinds[kind])]))),
    ),
  },
  { description: "Server to web client: a row a device, at first and as the answer to a query" },
);
const querySchema = Type.Object(
  { type: Type.Literal("FILT"), message: Type.Array(Type.String(), { maxItems: 32 }) },
  { description: "Web client to server: filters and sorts, as `filter:NAME:OP:VALUE` and `sort:NAME:<:abc`" },
);

const answers = {
  answer: {
    from: "server",
    payload: envelope(["INFO"], "Server to peer: the greeting, OK, or what was wrong"),
    examples: {
      greeting: { type: "INFO", message: smartOsWelcomes.update },
      "the sample is taken": { type: "INFO", message: "0116:0001:OK" },
      "it is not": { type: "INFO", message: "0116:0001:ERROR" },
    },
  },
} as const satisfies DoorSpec["messages"];

export const updateDoor: DoorSpec = {
  address: smartOsPaths.update,
  title: "SMART-OS devices",
  description: `The second dialect, as docs/reference/smart-os.md describes it. Closed unless \`smart_os.access\` is \`token\` or \`open\`. The first message says which device it is: \`MMMM:SSSS:{…}\`, message id, serial number (at most ${limits.deviceIdLengthMax} characters), a dict.`,
  security: ["device"],
  messages: {
    ...answers,
    update: {
      from: "peer",
      payload: envelope(["INIT", "UPDT"], "Device to server: a sample"),
      replies: ["answer"],
      examples: { "its consumption": { type: "UPDT", message: '0116:0001:{"power_consumption": 357}' } },
    },
    remoteControl: {
      from: "peer",
      payload: envelope(["CMND"], "Device to server: what it can be told, and what became of a command"),
      replies: ["answer"],
      examples: { "it can be restarted": { type: "CMND", message: '0001:0001:{"commands": {"RESTART": {}}}' } },
    },
    command: {
      from: "server",
      payload: envelope(["CMND"], "Server to device: a command"),
      replies: ["remoteControl", "update"],
      examples: {
        restart: { type: "CMND", message: '0001:0001:{"command_id":"cmd_8293","action":"RESTART","payload":{}}' },
      },
    },
    peers: {
      from: "peer",
      payload: envelope(["PEER"], "Device to server: begin or stop sending the samples of its peers"),
      replies: ["answer"],
      examples: { begin: { type: "PEER", message: '0001:0001:{"subscribe": true}' } },
    },
    peer: {
      from: "server",
      payload: envelope(["UPDT"], "Server to device: the newest sample of a peer, at most once a second"),
      examples: { "a sample of 0002": { type: "UPDT", message: '0000:0002:{"battery":85}' } },
    },
  },
};

export const clientDoor: DoorSpec = {
  address: smartOsPaths.client,
  title: "SMART-OS web clients",
  description:
    "The whole fleet as SMART-OS's web clients know it, as docs/reference/smart-os.md describes it: the dataset, then each update as it comes.",
  security: ["viewer", "session"],
  messages: {
    answer: { ...answers.answer, examples: { greeting: { type: "INFO", message: smartOsWelcomes.client } } },
    dataset: {
      from: "server",
      payload: datasetSchema,
      examples: {
        "one device": {
          type: "INIT",
          message: [{ serial_number: "0001", software_version: "v2.0", power_consumption: 357, battery: 85 }],
        },
      },
    },
    update: {
      from: "server",
      payload: envelope(["UPDT"], "Server to web client: a device's update, as it was sent where it was JSON"),
      examples: { "its consumption": { type: "UPDT", message: '0116:0001:{"power_consumption": 357}' } },
    },
    query: {
      from: "peer",
      payload: querySchema,
      replies: ["dataset", "answer"],
      examples: {
        "serial numbers with a 0": { type: "FILT", message: ["filter:serial_number:=:0", "sort:serial_number:<:abc"] },
      },
    },
  },
};
