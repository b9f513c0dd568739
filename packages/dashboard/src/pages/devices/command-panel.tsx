import {
  type Capabilities,
  type CommandBody,
  type DeviceDetail,
  type NewCommandBody,
  type Parameter,
  type TargetMode,
  targetModes,
} from "@wattboard/protocol";
import { type FormEvent, useRef, useState } from "react";
import { Link } from "wouter";
import { mayCommand, useMe } from "../../api/me.ts";
import { sendJson } from "../../api/request.ts";
import { modeWord } from "../../domain/state-words.ts";
import type { LivePoint } from "../../live/live-points.ts";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { inputLook, Labelled } from "../../ui/field.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { Panel } from "../../ui/panel.tsx";
import { Segments } from "../../ui/segments.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import styles from "./command-panel.module.css";
import { CommandProgress } from "./command-progress.tsx";
import { leaseWords, targetWords } from "./command-words.ts";

interface CommandPanelProps {
  readonly detail: DeviceDetail;
  readonly points: ReadonlyMap<string, LivePoint>;
  readonly commands: readonly CommandBody[] | null;
  readonly announced: Capabilities | null;
  readonly nowMs: number;
  readonly onGiven: (command: CommandBody) => void;
}

type CommandOrder = Pick<NewCommandBody, "action" | "payload">;

/** Told nothing of what the device knows, the page offers what every device knows. */
const plain: Capabilities = { commands: { SET_MODE: {}, RESET_ERROR: {} } };
const hourMs = 60 * 60_000;
const leasesMs = [hourMs / 4, hourMs, 4 * hourMs] as const;

/** What became of what the device was told, and, for whoever may command it, what it can be told. */
export function CommandPanel(props: CommandPanelProps) {
  const { detail, commands, nowMs } = props;
  const me = useMe();
  const isAllowed = mayCommand(me, detail.device_id);
  // A guest of a share link is here to look.
  if (!isAllowed && me?.kind === "share" && (commands ?? []).length === 0) return null;
  return (
    <Panel title="Commands">
      {isAllowed && <Orders {...props} />}
      {!isAllowed && me !== undefined && me?.kind !== "share" && (
        <p className="fine">
          {me?.kind === "person" ? (
            "You may look at this device. An administrator can let you command it."
          ) : (
            <>
              <Link href={pagePaths.signIn(pagePaths.device(detail.device_id))}>Sign in</Link> as an operator to command
              this device.
            </>
          )}
        </p>
      )}
      <CommandProgress commands={commands} nowMs={nowMs} timeZone={detail.time_zone} />
    </Panel>
  );
}

function Orders({ detail, points, announced, onGiven }: CommandPanelProps) {
  const giving = useSubmit();
  const { commands: known, parameters = [] } = announced ?? plain;
  const flags = points.get("system_status.error_flags")?.value;
  const isInError = points.get("system_status.state")?.value === "ERROR" || (Array.isArray(flags) && flags.length > 0);
  const give = (order: CommandOrder): void =>
    giving.run(async () => onGiven(await sendJson<CommandBody>("POST", apiPaths.commands(detail.device_id), order)));
  return (
    <>
      {!detail.online && (
        <p className="fine">The device is offline. A command waits a minute for it, and then expires.</p>
      )}
      <fieldset className={styles.orders} disabled={giving.busy}>
        <legend className="sr-only">Give a command</legend>
        {known.SET_MODE !== undefined && <ModeForm known={known.SET_MODE} points={points} onOrder={give} />}
        {parameters.length > 0 && <ParameterForm parameters={parameters} points={points} onOrder={give} />}
        <div className="buttons">
          {known.RESET_ERROR !== undefined && (
            <Button tone={isInError ? "strong" : "plain"} onClick={() => give({ action: "RESET_ERROR", payload: {} })}>
              Reset error
            </Button>
          )}
          {known.RESTART !== undefined && (
            <ConfirmButton sure="Restart the device now" onConfirm={() => give({ action: "RESTART", payload: {} })}>
              Restart
            </ConfirmButton>
          )}
        </div>
      </fieldset>
      <FaultLine fault={giving.fault} />
    </>
  );
}

interface ModeFormProps {
  readonly known: NonNullable<Capabilities["commands"]["SET_MODE"]>;
  readonly points: ReadonlyMap<string, LivePoint>;
  readonly onOrder: (order: CommandOrder) => void;
}

function ModeForm({ known, points, onOrder }: ModeFormProps) {
  const modes = known.target_modes ?? targetModes;
  const present = presentMode(points, modes);
  const [chosen, setChosen] = useState<TargetMode | null>(null);
  const [power, setPower] = useState("");
  // Who sets a manual mode and forgets it finds the device in Auto again.
  const [leaseMs, setLeaseMs] = useState<number>(hourMs);
  const mode = chosen ?? present.target ?? modes[0] ?? "AUTO";
  const hasPower = mode === "MANUAL_CHARGE" || mode === "MANUAL_DISCHARGE";
  const hasLease = known.leases === true && mode !== "AUTO";
  // Without an end the device stays so until somebody thinks of it.
  const isLasting = hasPower && !(hasLease && leaseMs > 0);
  const formRef = useRef<HTMLFormElement>(null);
  const { minimum = 0, maximum } = (hasPower ? known.target_power?.[mode] : undefined) ?? {};
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const payload = {
      target_mode: mode,
      ...(hasPower && power !== "" && { target_power: Number(power) }),
      ...(hasLease && leaseMs > 0 && { lease_ms: leaseMs }),
    };
    onOrder({ action: "SET_MODE", payload });
  };
  return (
    <form ref={formRef} className={styles.order} onSubmit={submit}>
      {present.word !== null && (
        <p className="fine">
          Mode now: <b>{present.word}</b>
        </p>
      )}
      <Segments
        label="Mode"
        isWide
        value={mode}
        options={modes.map((each) => [each, targetWords[each]])}
        onChange={setChosen}
      />
      {hasPower && (
        <Labelled
          label="Power"
          note={`${maximum === undefined ? "" : `${formatNumber(minimum, 0)} to ${formatNumber(maximum, 0)} W; `}empty: all it can`}
        >
          <span className={styles.unit}>
            <input
              className={inputLook}
              type="number"
              inputMode="numeric"
              value={power}
              min={minimum}
              max={maximum}
              step="any"
              onChange={(event) => setPower(event.target.value)}
            />
            W
          </span>
        </Labelled>
      )}
      {hasLease && (
        <Labelled label="Then back to Auto">
          <select className={inputLook} value={leaseMs} onChange={(event) => setLeaseMs(Number(event.target.value))}>
            {leasesMs.map((each) => (
              <option key={each} value={each}>
                after {leaseWords(each)}
              </option>
            ))}
            <option value={0}>never: it holds until it is changed</option>
          </select>
        </Labelled>
      )}
      {hasPower && !hasLease && <p className="fine">This device knows no time limit: it holds until it is changed.</p>}
      <div className="buttons">
        {isLasting ? (
          <ConfirmButton
            key={mode}
            sure="Hold it until it is changed"
            onConfirm={() => formRef.current?.requestSubmit()}
          >
            Set mode
          </ConfirmButton>
        ) : (
          <Button type="submit" tone="strong">
            Set mode
          </Button>
        )}
      </div>
    </form>
  );
}

/** What the device is in, and which of the modes that is, as far as its telemetry tells. */
function presentMode(points: ReadonlyMap<string, LivePoint>, modes: readonly TargetMode[]) {
  const told = points.get("system_status.target_mode")?.value;
  const mode = points.get("system_status.mode")?.value;
  const target = modes.find((each) => each === told || (told === undefined && each === mode)) ?? null;
  if (target !== null) return { target, word: targetWords[target] };
  return { target, word: mode === "AUTO" || mode === "MANUAL" ? modeWord(mode) : null };
}

interface ParameterFormProps {
  readonly parameters: readonly Parameter[];
  readonly points: ReadonlyMap<string, LivePoint>;
  readonly onOrder: (order: CommandOrder) => void;
}

function ParameterForm({ parameters, points, onOrder }: ParameterFormProps) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const parameter = parameters.find((each) => each.name === name) ?? parameters[0];
  if (parameter === undefined) return null;
  const { type, unit = "", minimum, maximum, choices } = parameter;
  const present = points.get(parameter.point ?? `parameters.${parameter.name}`)?.value;
  const options = choices ?? (type === "boolean" ? ["true", "false"] : undefined);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const typed = type === "text" ? value : type === "boolean" ? value === "true" : Number(value);
    onOrder({ action: "SET_PARAMETER", payload: { name: parameter.name, value: typed } });
  };
  return (
    <form className={styles.order} onSubmit={submit}>
      <div className={styles.fields}>
        <Labelled label="Parameter">
          <select
            className={inputLook}
            value={parameter.name}
            onChange={(event) => {
              setName(event.target.value);
              setValue("");
            }}
          >
            {parameters.map((each) => (
              <option key={each.name} value={each.name}>
                {each.label ?? each.name}
              </option>
            ))}
          </select>
        </Labelled>
        <Labelled
          label={present === undefined || present === null ? "Value" : `Now ${String(present)} ${unit}`.trim()}
          note={rangeWords(minimum, maximum, unit)}
        >
          {options === undefined ? (
            <span className={styles.unit}>
              <input
                className={inputLook}
                type={type === "text" ? "text" : "number"}
                required
                value={value}
                min={minimum}
                max={maximum}
                step={type === "integer" ? 1 : "any"}
                onChange={(event) => setValue(event.target.value)}
              />
              {unit}
            </span>
          ) : (
            <select className={inputLook} required value={value} onChange={(event) => setValue(event.target.value)}>
              <option value="" disabled>
                choose
              </option>
              {options.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      </div>
      <div className="buttons">
        <Button type="submit">Set</Button>
      </div>
    </form>
  );
}

function rangeWords(minimum: number | undefined, maximum: number | undefined, unit: string): string | undefined {
  const shown = (bound: number) => formatNumber(bound, Number.isInteger(bound) ? 0 : 2);
  if (minimum !== undefined && maximum !== undefined) return `${shown(minimum)} to ${shown(maximum)} ${unit}`.trim();
  if (maximum !== undefined) return `up to ${shown(maximum)} ${unit}`.trim();
  return minimum === undefined ? undefined : `from ${shown(minimum)} ${unit}`.trim();
}
