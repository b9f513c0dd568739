import { limits, type NewFleetCommandBody } from "@wattboard/protocol";
import { inputLook, Labelled } from "../../ui/field.tsx";
import styles from "./rollout-settings.module.css";

/** How carefully a fleet command goes about it. What is left out is as the server has it. */
export type RolloutSettings = Pick<
  NewFleetCommandBody,
  "canary" | "wave_size" | "settle_ms" | "errors_max" | "failures_max" | "ttl_ms"
>;

export const usualSettings: RolloutSettings = {
  canary: 1,
  settle_ms: 10_000,
  errors_max: 0,
  ttl_ms: limits.commandTtlMs,
};

const minuteMs = 60_000;
const spans = [
  [0, "not at all"],
  [10_000, "10 s"],
  [minuteMs, "1 min"],
  [5 * minuteMs, "5 min"],
  [15 * minuteMs, "15 min"],
  [60 * minuteMs, "1 h"],
  [24 * 60 * minuteMs, "24 h"],
] as const;
const waits = spans.filter(([ms]) => ms >= minuteMs);

interface RolloutSettingsFormProps {
  readonly settings: RolloutSettings;
  readonly onChange: (settings: RolloutSettings) => void;
}

export function RolloutSettingsForm({ settings, onChange }: RolloutSettingsFormProps) {
  const change = (name: keyof RolloutSettings, value: number | undefined) => {
    const { [name]: _, ...rest } = settings;
    onChange(value === undefined ? rest : { ...rest, [name]: value });
  };
  return (
    <div className={styles.fields}>
      <NumberField
        label="Canary"
        note="Devices that go first. All of them must apply it, or nothing more is done."
        value={settings.canary}
        minimum={1}
        maximum={1_000}
        onChange={(value) => change("canary", value)}
      />
      <NumberField
        label="Devices a wave"
        note="Empty: a quarter of the rest. A wave begins when the one before has ended well."
        value={settings.wave_size}
        minimum={1}
        maximum={10_000}
        onChange={(value) => change("wave_size", value)}
      />
      <Labelled label="Watched after each wave" note="For error flags that the changed devices did not have before.">
        <select
          className={inputLook}
          value={settings.settle_ms}
          onChange={({ target }) => change("settle_ms", Number(target.value))}
        >
          {spans.map(([ms, words]) => (
            <option key={ms} value={ms}>
              {words}
            </option>
          ))}
        </select>
      </Labelled>
      <NumberField
        label="New errors allowed"
        note="Changed devices that may raise an error flag; one more stops everything."
        value={settings.errors_max}
        minimum={0}
        onChange={(value) => change("errors_max", value)}
      />
      <NumberField
        label="Failures allowed"
        note="Devices that may not apply it; one more stops everything. Empty: a tenth of all."
        value={settings.failures_max}
        minimum={0}
        onChange={(value) => change("failures_max", value)}
      />
      <Labelled label="Wait for offline devices" note="Whoever comes later is not commanded, and counts as a failure.">
        <select
          className={inputLook}
          value={settings.ttl_ms}
          onChange={({ target }) => change("ttl_ms", Number(target.value))}
        >
          {waits.map(([ms, words]) => (
            <option key={ms} value={ms}>
              {words}
            </option>
          ))}
        </select>
      </Labelled>
    </div>
  );
}

interface NumberFieldProps {
  readonly label: string;
  readonly note: string;
  readonly value: number | undefined;
  readonly minimum: number;
  readonly maximum?: number;
  readonly onChange: (value: number | undefined) => void;
}

/** What is out of range is asked as it is: the server says in the preview what is wrong with it. */
function NumberField({ label, note, value, minimum, maximum, onChange }: NumberFieldProps) {
  return (
    <Labelled label={label} note={note}>
      <input
        className={inputLook}
        type="number"
        inputMode="numeric"
        min={minimum}
        max={maximum}
        step={1}
        defaultValue={value}
        onChange={({ target }) => onChange(target.value === "" ? undefined : target.valueAsNumber)}
      />
    </Labelled>
  );
}
