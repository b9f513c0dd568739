import {
  type Capabilities,
  type NewCommandBody,
  type Parameter,
  type PointValue,
  type TargetMode,
  targetModes,
} from "@wattboard/protocol";
import { type FormEvent, useRef, useState } from "react";
import { Button } from "../ui/button.tsx";
import { ConfirmButton } from "../ui/confirm-button.tsx";
import { inputLook, Labelled } from "../ui/field.tsx";
import { formatNumber } from "../ui/format-number.ts";
import { Segments } from "../ui/segments.tsx";
import { leaseWords, targetWords } from "./command-words.ts";
import styles from "./order-forms.module.css";
import { modeWord } from "./state-words.ts";

/** What a device, or many, are to be told. */
export type CommandOrder = Pick<NewCommandBody, "action" | "payload">;

/** What a point shows now; undefined where that is not known, or there are many devices. */
type ReadPoint = (point: string) => PointValue | undefined;

const hourMs = 60 * 60_000;
const leasesMs = [hourMs / 4, hourMs, 4 * hourMs] as const;

interface ModeFormProps {
  readonly known: NonNullable<Capabilities["commands"]["SET_MODE"]>;
  readonly read: ReadPoint;
  /** What its button says. */
  readonly verb: string;
  /** Whether a mode that would hold for ever asks once more. */
  readonly asksFirst: boolean;
  readonly onOrder: (order: CommandOrder) => void;
}

/** Chooses a mode with its power and its end. */
export function ModeForm({ known, read, verb, asksFirst, onOrder }: ModeFormProps) {
  const modes = known.target_modes ?? targetModes;
  const present = presentMode(read, modes);
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
        {isLasting && asksFirst ? (
          <ConfirmButton
            key={mode}
            sure="Hold it until it is changed"
            onConfirm={() => formRef.current?.requestSubmit()}
          >
            {verb}
          </ConfirmButton>
        ) : (
          <Button type="submit" tone="strong">
            {verb}
          </Button>
        )}
      </div>
    </form>
  );
}

/** What the device is in, and which of the modes that is, as far as its telemetry tells. */
function presentMode(read: ReadPoint, modes: readonly TargetMode[]) {
  const told = read("system_status.target_mode");
  const mode = read("system_status.mode");
  const target = modes.find((each) => each === told || (told === undefined && each === mode)) ?? null;
  if (target !== null) return { target, word: targetWords[target] };
  return { target, word: mode === "AUTO" || mode === "MANUAL" ? modeWord(mode) : null };
}

interface ParameterFormProps {
  readonly parameters: readonly Parameter[];
  readonly read: ReadPoint;
  readonly verb: string;
  readonly onOrder: (order: CommandOrder) => void;
}

/** Chooses one of the parameters, and what it is to be. */
export function ParameterForm({ parameters, read, verb, onOrder }: ParameterFormProps) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const parameter = parameters.find((each) => each.name === name) ?? parameters[0];
  if (parameter === undefined) return null;
  const { type, unit = "", minimum, maximum, choices } = parameter;
  const present = read(parameter.point ?? `parameters.${parameter.name}`);
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
        <Button type="submit">{verb}</Button>
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
