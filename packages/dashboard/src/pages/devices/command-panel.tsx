import {
  type Announcement,
  type CommandBody,
  type DeviceDetail,
  type NewCommandBody,
  type Parameter,
  paths,
  type TargetMode,
  targetModes,
} from "@wattboard/protocol";
import { type FormEvent, useId, useState } from "react";
import { Link } from "wouter";
import { RequestFailed } from "../../api/get-json.ts";
import { sendJson } from "../../api/send-json.ts";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { CommandProgress } from "./command-progress.tsx";
import { leaseWords, targetWords } from "./command-words.ts";
import type { LivePoint } from "./live-points.ts";

interface CommandPanelProps {
  readonly detail: DeviceDetail;
  readonly points: ReadonlyMap<string, LivePoint>;
  readonly commands: readonly CommandBody[] | null;
  readonly announced: Announcement | null;
  readonly nowMs: number;
  readonly onGiven: (command: CommandBody) => void;
}

type Order = Pick<NewCommandBody, "action" | "payload">;

/** Told nothing of what the device knows, the page offers what every device knows. */
const plain: Announcement = { commands: { SET_MODE: {}, RESET_ERROR: {} } };
const leasesMs = [15 * 60_000, 60 * 60_000, 4 * 60 * 60_000] as const;

/** What the device can be told, and what became of what it was told. */
export function CommandPanel({ detail, points, commands, announced, nowMs, onGiven }: CommandPanelProps) {
  const [failure, setFailure] = useState<RequestFailed | null>(null);
  const [isGiving, setGiving] = useState(false);
  const { commands: known, parameters = [] } = announced ?? plain;
  const flags = points.get("system_status.error_flags")?.value;
  const isInError = points.get("system_status.state")?.value === "ERROR" || (Array.isArray(flags) && flags.length > 0);

  const give = async (order: Order): Promise<void> => {
    setGiving(true);
    setFailure(null);
    try {
      const path = `${paths.api}/devices/${encodeURIComponent(detail.device_id)}/commands`;
      onGiven(await sendJson<CommandBody>("POST", path, order));
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      setFailure(error);
    } finally {
      setGiving(false);
    }
  };

  return (
    <Panel title="Commands" aside={!detail.online && <span className="muted">offline: they wait a minute</span>}>
      <fieldset className="orders" disabled={isGiving}>
        <legend className="sr-only">Give a command</legend>
        {known.SET_MODE !== undefined && <ModeForm known={known.SET_MODE} onOrder={give} />}
        {parameters.length > 0 && <ParameterForm parameters={parameters} points={points} onOrder={give} />}
        <div className="order-buttons">
          {known.RESET_ERROR !== undefined && (
            <button
              type="button"
              className={isInError ? "button button-strong" : "button"}
              onClick={() => give({ action: "RESET_ERROR", payload: {} })}
            >
              Reset error
            </button>
          )}
          {known.RESTART !== undefined && <RestartButton onOrder={give} />}
        </div>
      </fieldset>
      {failure !== null && <GiveFailure failure={failure} deviceId={detail.device_id} />}
      <CommandProgress commands={commands} nowMs={nowMs} />
    </Panel>
  );
}

interface ModeFormProps {
  readonly known: NonNullable<Announcement["commands"]["SET_MODE"]>;
  readonly onOrder: (order: Order) => void;
}

function ModeForm({ known, onOrder }: ModeFormProps) {
  const modes = known.target_modes ?? targetModes;
  const [mode, setMode] = useState<TargetMode>(modes[0] ?? "AUTO");
  const [power, setPower] = useState("");
  const [leaseMs, setLeaseMs] = useState(0);
  const hasPower = mode === "MANUAL_CHARGE" || mode === "MANUAL_DISCHARGE";
  const range = hasPower ? known.target_power?.[mode] : undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const payload = {
      target_mode: mode,
      ...(hasPower && power !== "" && { target_power: Number(power) }),
      ...(mode !== "AUTO" && leaseMs > 0 && { lease_ms: leaseMs }),
    };
    onOrder({ action: "SET_MODE", payload });
  };
  return (
    <form className="order" onSubmit={submit}>
      {/* biome-ignore lint/a11y/useSemanticElements: the fieldset around all orders is the form's own. */}
      <div className="segments" role="group" aria-label="Mode">
        {modes.map((each) => (
          <button key={each} type="button" aria-pressed={each === mode} onClick={() => setMode(each)}>
            {targetWords[each]}
          </button>
        ))}
      </div>
      <div className="order-fields">
        {hasPower && (
          <label className="field">
            <span>Power</span>
            <span className="with-unit">
              <input
                type="number"
                inputMode="numeric"
                value={power}
                min={range?.minimum ?? 0}
                max={range?.maximum}
                step="any"
                placeholder={range?.maximum === undefined ? "all it can" : `up to ${range.maximum}`}
                onChange={(event) => setPower(event.target.value)}
              />
              W
            </span>
          </label>
        )}
        {known.leases === true && mode !== "AUTO" && (
          <label className="field">
            <span>Then back to Auto</span>
            <select value={leaseMs} onChange={(event) => setLeaseMs(Number(event.target.value))}>
              <option value={0}>never</option>
              {leasesMs.map((each) => (
                <option key={each} value={each}>
                  after {leaseWords(each)}
                </option>
              ))}
            </select>
          </label>
        )}
        <button type="submit" className="button button-strong">
          Set mode
        </button>
      </div>
    </form>
  );
}

interface ParameterFormProps {
  readonly parameters: readonly Parameter[];
  readonly points: ReadonlyMap<string, LivePoint>;
  readonly onOrder: (order: Order) => void;
}

function ParameterForm({ parameters, points, onOrder }: ParameterFormProps) {
  const valueId = useId();
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const parameter = parameters.find((each) => each.name === name) ?? parameters[0];
  if (parameter === undefined) return null;
  const { type, unit, minimum, maximum, choices } = parameter;
  const present = points.get(parameter.point ?? `parameters.${parameter.name}`)?.value;
  const options = choices ?? (type === "boolean" ? ["true", "false"] : undefined);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const typed = type === "text" ? value : type === "boolean" ? value === "true" : Number(value);
    onOrder({ action: "SET_PARAMETER", payload: { name: parameter.name, value: typed } });
  };
  return (
    <form className="order" onSubmit={submit}>
      <div className="order-fields">
        <label className="field">
          <span>Parameter</span>
          <select
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
        </label>
        <div className="field">
          <label htmlFor={valueId}>
            {present === undefined || present === null
              ? "Value"
              : `Now ${String(present)}${unit === undefined ? "" : ` ${unit}`}`}
          </label>
          {options === undefined ? (
            <span className="with-unit">
              <input
                id={valueId}
                type={type === "text" ? "text" : "number"}
                required
                value={value}
                min={minimum}
                max={maximum}
                step={type === "integer" ? 1 : "any"}
                placeholder={minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : ""}
                onChange={(event) => setValue(event.target.value)}
              />
              {unit}
            </span>
          ) : (
            <select id={valueId} required value={value} onChange={(event) => setValue(event.target.value)}>
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
        </div>
        <button type="submit" className="button">
          Set
        </button>
      </div>
    </form>
  );
}

/** Asks once more: nobody restarts a battery by a slip of the finger. */
function RestartButton({ onOrder }: { readonly onOrder: (order: Order) => void }) {
  const [isAsking, setAsking] = useState(false);
  if (!isAsking) {
    return (
      <button type="button" className="button" onClick={() => setAsking(true)}>
        Restart…
      </button>
    );
  }
  return (
    <>
      <button
        type="button"
        className="button button-strong"
        onClick={() => {
          setAsking(false);
          onOrder({ action: "RESTART", payload: {} });
        }}
      >
        Restart the device now
      </button>
      <button type="button" className="button" onClick={() => setAsking(false)}>
        No
      </button>
    </>
  );
}

function GiveFailure({ failure, deviceId }: { readonly failure: RequestFailed; readonly deviceId: string }) {
  if (!failure.isRefused) return <Notice tone="warn" title={failure.message} />;
  return (
    <Notice tone="warn" title="The command was not given: it needs the operator role.">
      {failure.status === 401 && (
        <p>
          <Link href={`/sign-in?to=${encodeURIComponent(`/devices/${deviceId}`)}`}>Sign in</Link> as somebody who has
          it.
        </p>
      )}
      <p className="fine">
        The server said: {failure.status} {failure.message}
      </p>
    </Notice>
  );
}
