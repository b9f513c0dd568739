import type { DeviceDetail, StrikeBody, StrikesBody } from "@wattboard/protocol";
import { queryClient } from "../../api/query-client.ts";
import { sendJson } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { apiPaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Field, Form } from "../../ui/field.tsx";
import { formatInstant, instantIn } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { useSubmit } from "../../ui/use-submit.ts";
import shared from "./share-dialog.module.css";
import styles from "./strikes-dialog.module.css";

/** Strikes wrong values out of a device's past, and has them count again. */
export function StrikesDialog({ detail, onClose }: { readonly detail: DeviceDetail; readonly onClose: () => void }) {
  const { device_id: deviceId, time_zone: timeZone } = detail;
  const path = apiPaths.strikes(deviceId);
  const { body, failure } = usePolled<StrikesBody>(path, { everyMs: 30_000 });
  // Charts and sums are others now.
  const again = () => void queryClient.invalidateQueries();
  const striking = useSubmit(async (form) => {
    const points = String(form.get("points")).split(/[ ,]+/).filter(Boolean);
    await sendJson("POST", path, {
      from: instantOf(timeZone, form.get("from")),
      to: instantOf(timeZone, form.get("to")),
      ...(points.length > 0 && { points }),
    });
    again();
  });
  const undo = ({ strike }: StrikeBody) =>
    striking.run(async () => {
      await sendJson("DELETE", apiPaths.strike(deviceId, strike));
      again();
    });
  const strikes = body?.strikes ?? [];
  return (
    <Dialog title={`Strike out values of ${deviceId}`} onClose={onClose}>
      <Form onSubmit={striking.onSubmit}>
        <p>Wrong values count for nothing then, in charts and sums. They are kept, and can be had back.</p>
        <div className={styles.range}>
          <Field label="From" name="from" type="datetime-local" step={1} required autoFocus />
          <Field label="To" name="to" type="datetime-local" step={1} required />
        </div>
        <p className="fine">
          Times in {timeZone.replaceAll("_", " ")}, as in the charts. What was measured at the end itself is not struck
          out.
        </p>
        <Field
          label="Points"
          name="points"
          maxLength={2_000}
          placeholder="grid.power, solar.power"
          note="With commas between them; left empty: all."
        />
        <FaultLine fault={striking.fault ?? failure?.message ?? null} />
        <Button type="submit" tone="strong" disabled={striking.busy}>
          Strike out
        </Button>
      </Form>
      {strikes.length > 0 && (
        <ul className={shared.list} aria-label="What is struck out">
          {strikes.map((strike) => (
            <StrikeItem
              key={strike.strike}
              {...{ strike, timeZone }}
              disabled={striking.busy}
              onUndo={() => undo(strike)}
            />
          ))}
        </ul>
      )}
    </Dialog>
  );
}

interface StrikeItemProps {
  readonly strike: StrikeBody;
  readonly timeZone: string;
  readonly disabled: boolean;
  readonly onUndo: () => void;
}

function StrikeItem({ strike: { strike, points, from, to, by }, timeZone, disabled, onUndo }: StrikeItemProps) {
  const shown = (instant: string): string => formatInstant(Date.parse(instant), serverClock.now(), timeZone);
  return (
    <li>
      <span>
        {points === null ? "All points" : points.join(", ")}
        <span className={list.sub}>
          {shown(from)} to {shown(to)}, by {by?.replace(/^person /, "") ?? "somebody"}
        </span>
      </span>
      <span className="buttons">
        <ConfirmButton
          sure="Have them count again"
          disabled={disabled}
          label={`Undo strike ${strike}`}
          onConfirm={onUndo}
        >
          Undo
        </ConfirmButton>
      </span>
    </li>
  );
}

/** What a person chose, in the time zone of the device. Browsers leave out seconds that are 0. */
function instantOf(timeZone: string, value: FormDataEntryValue | null): string {
  return new Date(instantIn(timeZone, String(value))).toISOString();
}
