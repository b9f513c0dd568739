import { type Capabilities, type Command, type CommandResult, unsupportedBecause } from "@wattboard/protocol";
import { commandValidator } from "@wattboard/protocol/validate";

/** What became of a command, as a CMND says it. */
export type SolMateResult = Omit<CommandResult, "type">;

/** What can be set in an emulated SolMate, by the names under which it sends them. */
export interface SolMateParameters {
  /** `power_inject` is never above it. */
  readonly inject_max: number;
  /** Switched off, `power_inject` is 0. */
  readonly injecting: boolean;
}

/** Remote control of one SolMate: what it can be told, and what it was told last. It forgets that with its process, as `solmate.py` would. */
export class SolMateRemote {
  readonly announcement: Capabilities;
  #parameters: SolMateParameters;

  constructor(valueMax: number) {
    this.#parameters = { inject_max: valueMax, injecting: true };
    this.announcement = {
      commands: {},
      parameters: [
        { name: "inject_max", label: "Maximum injection", type: "number", unit: "W", minimum: 0, maximum: valueMax },
        { name: "injecting", label: "Injection", type: "boolean" },
      ],
    };
  }

  get parameters(): SolMateParameters {
    return this.#parameters;
  }

  /** Carries out the body of a CMND. Null where it is no command that could be answered. */
  take(body: unknown, nowMs: number): SolMateResult | null {
    const command_id = (body as { command_id?: unknown } | null)?.command_id;
    if (typeof command_id !== "string") return null;
    const reason = this.#whyNot(body, nowMs);
    if (reason !== null) return { command_id, status: "rejected", reason };
    const { payload } = body as Extract<Command, { action: "SET_PARAMETER" }>;
    this.#parameters = { ...this.#parameters, [payload.name]: payload.value };
    return { command_id, status: "applied" };
  }

  #whyNot(body: unknown, nowMs: number): string | null {
    if (!commandValidator.check(body)) {
      const { path, message } = commandValidator.explain(body);
      return `${path || "It"} ${message}.`;
    }
    const { expires_at } = body as { expires_at?: unknown };
    if (typeof expires_at === "string" && Date.parse(expires_at) <= nowMs) return "It came after its expiry.";
    return unsupportedBecause(body, this.announcement);
  }
}
