/**
 * Measures the sources, and holds what was agreed: no file over 450 lines, no function over 70 but tables, and a name for one thing only.
 * Prints the numbers; `npm run lint` fails where one is over its bound. Exceptions stand below with their reasons.
 */
import { globSync, readFileSync } from "node:fs";
import { parseSync, Visitor } from "oxc-parser";

const root = new URL("..", import.meta.url).pathname;
const linesMax = 450;
const functionLinesMax = 70;
/**
 * Names that stand for a type (or a class), or for a function, in more than one file, whether those are exported or not. What is called
 * the same in the two adapters of the store is so on purpose, and does not count.
 */
const sharedNamesMax = { types: 10, functions: 10 };

/** Files over their bound, and why. */
const longFiles: Readonly<Record<string, string>> = {};

/** Functions over their bound, by file and name, and why. */
const longFunctions: Readonly<Record<string, string>> = {
  "packages/protocol/src/asyncapi/device-door.ts framesOfServer": "a table",
  "packages/server/src/api/bulk-devices.ts registerBulkDevicesApi": "a list of routes",
  "packages/server/src/api/device-tokens.ts registerDeviceTokensApi": "a list of routes",
  "packages/server/src/api/channels.ts registerChannelsApi": "a list of routes",
  "packages/server/src/api/claims.ts registerClaimsApi": "a list of routes",
  "packages/server/src/api/commands.ts registerCommandsApi": "a list of routes",
  "packages/server/src/api/devices.ts registerDevicesApi": "a list of routes",
  "packages/server/src/api/export.ts registerExportApi": "a list of routes",
  "packages/server/src/api/fleet.ts registerFleetApi": "a list of routes",
  "packages/server/src/api/history.ts registerHistoryApi": "a list of routes",
  "packages/server/src/api/maintenance-windows.ts registerMaintenanceWindowsApi": "a list of routes",
  "packages/server/src/api/notifications.ts registerNotificationsApi": "a list of routes",
  "packages/server/src/api/people.ts registerPeopleApi": "a list of routes",
  "packages/server/src/api/share-links.ts registerShareApi": "a list of routes",
  "packages/server/src/api/sign-in.ts registerSignInApi": "a list of routes",
  "packages/server/src/api/store.ts registerStoreApi": "a list of routes",
  "packages/server/src/cli/command.ts addCommandCommand": "a list of commands with their options",
  "packages/server/src/cli/device.ts addDeviceCommand": "a list of commands with their options",
  "packages/server/src/app/assemble-notify.ts assembleNotify": "the parts of notifications, in their order",
  "packages/server/src/cli/maintenance-window.ts addMaintenanceCommand": "a list of commands with their options",
  "packages/server/src/cli/notify.ts addNotifyCommand": "a list of commands with their options",
  "packages/server/src/cli/simulate-solmate.ts addSimulateSolMateCommand": "a list of commands with their options",
  "packages/server/src/cli/store.ts addStoreCommand": "a list of commands with their options",
  "packages/server/src/cli/user.ts addUserCommand": "a list of commands with their options",
  "packages/dashboard/src/domain/order-forms.tsx ModeForm": "one piece of markup",
  "packages/dashboard/src/pages/account/notifications/channel-panel.tsx ChannelPanel": "one piece of markup",
  "packages/dashboard/src/pages/account/notifications/notifications-page.tsx NotificationsPage": "one piece of markup",
  "packages/dashboard/src/pages/devices/energy-bars.tsx EnergyBars": "one piece of markup",
  "packages/dashboard/src/pages/devices/history-chart.tsx HistoryChart": "one piece of markup",
  "packages/dashboard/src/pages/devices/history-panel.tsx HistoryPanel": "one piece of markup",
  "packages/dashboard/src/pages/devices/power-chart.tsx PowerChart": "one piece of markup",
  "packages/dashboard/src/pages/fleet-commands/fleet-devices.tsx FleetDevices": "one piece of markup",
  "packages/dashboard/src/pages/people/person-form.tsx PersonForm": "one piece of markup",
  "packages/server/src/api/answers/questions.ts answerTo": "one case a question",
  "packages/server/src/http/server.ts createHttpServer": "the settings and hooks of one server, in their order",
};

interface Unit {
  readonly path: string;
  readonly name: string;
  readonly lines: number;
}

interface Measured {
  readonly files: readonly { readonly path: string; readonly lines: number }[];
  readonly functions: readonly Unit[];
  /** Files by the name of a type, or of a function, that is declared at the top of them. */
  readonly types: ReadonlyMap<string, readonly string[]>;
  readonly named: ReadonlyMap<string, readonly string[]>;
}

interface Spanned {
  readonly start: number;
  readonly end: number;
}

function measure(): Measured {
  const files: { path: string; lines: number }[] = [];
  const functions: Unit[] = [];
  const types = new Map<string, string[]>();
  const named = new Map<string, string[]>();
  for (const path of globSync("packages/*/src/**/*.{ts,tsx}", { cwd: root, exclude: ["**/*.test.{ts,tsx}"] }).sort()) {
    const text = readFileSync(root + path, "utf8");
    const lineOf = (at: number) => text.slice(0, at).split("\n").length;
    files.push({ path, lines: text.trimEnd().split("\n").length });
    const { program } = parseSync(path, text);
    const names = new Map<number, string>();
    const add = ({ start, end }: Spanned): void => {
      functions.push({ path, name: names.get(start) ?? "", lines: lineOf(end) - lineOf(start) + 1 });
    };
    new Visitor({
      MethodDefinition({ key, value }) {
        names.set(value.start, text.slice(key.start, key.end));
      },
      Property({ key, value }) {
        names.set(value.start, text.slice(key.start, key.end));
      },
      VariableDeclarator({ id, init }) {
        if (init !== null && id.type === "Identifier") names.set(init.start, id.name);
      },
      FunctionDeclaration(node) {
        names.set(node.start, node.id?.name ?? "");
        add(node);
      },
      FunctionExpression: add,
      ArrowFunctionExpression: add,
    }).visit(program);
    for (const statement of program.body) {
      const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
      for (const [kind, name] of namesOf(declared)) {
        const of = kind === "type" ? types : named;
        of.set(name, [...(of.get(name) ?? []), path]);
      }
    }
  }
  return { files, functions, types, named };
}

/** What a statement at the top of a file declares, of types (classes too) and functions. */
function namesOf(declared: unknown): ["type" | "function", string][] {
  const node = declared as {
    readonly type?: string;
    readonly id?: { readonly name: string } | null;
    readonly declarations?: readonly {
      readonly id: { readonly name?: string };
      readonly init?: { readonly type: string } | null;
    }[];
  } | null;
  switch (node?.type) {
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
    case "ClassDeclaration":
      return [["type", node.id?.name ?? ""]];
    case "FunctionDeclaration":
      return [["function", node.id?.name ?? ""]];
    case "VariableDeclaration":
      return (node.declarations ?? []).flatMap(({ id, init }): ["function", string][] =>
        init?.type === "ArrowFunctionExpression" && id.name !== undefined ? [["function", id.name]] : [],
      );
    default:
      return [];
  }
}

/** The same for each adapter of the store. */
function withoutAdapter(path: string): string {
  return path.replace(/^packages\/server\/src\/store\/(embedded|postgres)\/.*/, "adapter");
}

if (import.meta.main) {
  const { files, functions, types, named } = measure();
  const faults: string[] = [];

  const sizes = files.map(({ lines }) => lines).sort((a, b) => a - b);
  const at = (share: number) => sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * share))];
  console.log(`${sizes.length} files: median ${at(0.5)} lines, p90 ${at(0.9)}, max ${at(1)}.`);
  const tooLong = files.filter(({ lines }) => lines > linesMax);
  for (const { path, lines } of tooLong) {
    if (!(path in longFiles)) faults.push(`${path} has ${lines} lines, more than ${linesMax}: split it.`);
  }
  for (const path of Object.keys(longFiles)) {
    if (!tooLong.some((each) => each.path === path)) console.log(`${path} need not be excepted any more.`);
  }

  const over = functions.filter(({ lines }) => lines > functionLinesMax);
  const keyOf = ({ path, name }: Unit) => `${path} ${name}`;
  console.log(`${over.length} functions have more than ${functionLinesMax} lines.`);
  for (const unit of over) {
    if (!(keyOf(unit) in longFunctions))
      faults.push(`${keyOf(unit)} has ${unit.lines} lines, more than ${functionLinesMax}.`);
  }
  for (const key of Object.keys(longFunctions)) {
    if (!over.some((unit) => keyOf(unit) === key)) console.log(`${key} need not be excepted any more.`);
  }

  for (const [what, map] of [
    ["types", types],
    ["functions", named],
  ] as const) {
    const shared = [...map].filter(([, paths]) => new Set(paths.map(withoutAdapter)).size > 1);
    console.log(`${shared.length} names of ${what} stand in more than one file.`);
    if (process.argv.includes("--names"))
      for (const [name, paths] of shared) console.log(`  ${name}: ${paths.join(", ")}`);
    if (shared.length <= sharedNamesMax[what]) continue;
    faults.push(`More than ${sharedNamesMax[what]} names of ${what} stand in more than one file; --names lists them.`);
  }

  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}
