import type { DevicesBody } from "@wattboard/protocol";
import { useState } from "react";
import { usePolled } from "../api/use-polled.ts";
import { apiPaths } from "../paths.ts";
import { Choice, inputLook } from "../ui/field.tsx";
import styles from "./device-picker.module.css";

/** More are found by typing. */
const shownMax = 50;

interface DevicePickerProps {
  readonly chosen: ReadonlySet<string>;
  readonly onChange: (chosen: ReadonlySet<string>) => void;
}

/** Chooses some of the devices that there are. */
export function DevicePicker({ chosen, onChange }: DevicePickerProps) {
  const [text, setText] = useState("");
  const wanted = text.trim();
  const path = apiPaths.deviceList({ limit: shownMax, ...(wanted !== "" && { q: wanted }) });
  const { body } = usePolled<DevicesBody>(path, { everyMs: 60_000, keepsBefore: true });
  const found = body?.devices ?? [];
  // What is chosen stands first, so that it is seen however many there are.
  const others = [...chosen].filter((id) => wanted === "" && !found.some(({ device_id }) => device_id === id));
  const shown = [
    ...others.map((device_id) => ({ device_id, name: "" })),
    ...found.toSorted((a, b) => Number(chosen.has(b.device_id)) - Number(chosen.has(a.device_id))),
  ];
  const toggle = (deviceId: string) => {
    const next = new Set(chosen);
    if (!next.delete(deviceId)) next.add(deviceId);
    onChange(next);
  };
  return (
    <div className={styles.picker}>
      <input
        className={inputLook}
        type="search"
        placeholder="Find a device"
        aria-label="Find a device"
        value={text}
        maxLength={120}
        onChange={(event) => setText(event.target.value)}
      />
      <ul className={styles.list}>
        {shown.map(({ device_id, name }) => (
          <li key={device_id}>
            <Choice type="checkbox" checked={chosen.has(device_id)} onChange={() => toggle(device_id)}>
              {name} <code className="muted">{device_id}</code>
            </Choice>
          </li>
        ))}
      </ul>
      {body !== null && body.next_cursor !== null && <p className="fine">There are more; type to find them.</p>}
      {body !== null && shown.length === 0 && <p className="fine">No device fits.</p>}
    </div>
  );
}
