import type { AlarmBody } from "@wattboard/protocol";
import { useState } from "react";
import { serverClock } from "../../api/server-clock.ts";
import { Button } from "../../ui/button.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Choice, Choices, Field, Form } from "../../ui/field.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import { fromLocalInput, toLocalInput } from "../../ui/local-time.ts";
import { useSubmit } from "../../ui/use-submit.ts";
import { acknowledge, snooze } from "./alarm-acts.ts";

interface AlarmDialogProps {
  readonly alarm: AlarmBody;
  readonly onClose: () => void;
}

const noteField = { name: "note", label: "Note (optional)", maxLength: 1_000, autoComplete: "off" } as const;

/** Takes an alarm on, with a word about it for whoever looks next. */
export function AcknowledgeDialog({ alarm, onClose }: AlarmDialogProps) {
  const acknowledging = useSubmit(async (form) => {
    await acknowledge(alarm, String(form.get("note")).trim());
    onClose();
  });
  return (
    <Dialog title="Acknowledge" onClose={onClose}>
      <Form onSubmit={acknowledging.onSubmit}>
        <p>
          <b>{alarm.title}</b>
        </p>
        <Field {...noteField} autoFocus placeholder="What you know, or will do about it" />
        <p className="fine">Everybody sees that you have it. It stays open until it is over.</p>
        <FaultLine fault={acknowledging.fault} />
        <div className="buttons">
          <Button type="submit" tone="strong" disabled={acknowledging.busy}>
            Acknowledge
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}

const hourMs = 60 * 60_000;
const dayMs = 24 * hourMs;

/** Puts an alarm off. It rings again then, if it still holds. */
export function SnoozeDialog({ alarm, onClose }: AlarmDialogProps) {
  const nowMs = serverClock.now();
  const choices = [
    ["For an hour", nowMs + hourMs],
    ["For four hours", nowMs + 4 * hourMs],
    ["Until tomorrow at 8", tomorrowAtEight(nowMs)],
    ["For a week", nowMs + 7 * dayMs],
  ] as const;
  const [chosen, setChosen] = useState(0);
  const isOwn = chosen === choices.length;
  const snoozing = useSubmit(async (form) => {
    const untilMs = choices[chosen]?.[1];
    const until = untilMs === undefined ? fromLocalInput(String(form.get("until"))) : new Date(untilMs).toISOString();
    if (until === null) throw new Error("Say until when.");
    await snooze(alarm, until, String(form.get("note")).trim());
    onClose();
  });
  return (
    <Dialog title="Snooze" onClose={onClose}>
      <Form onSubmit={snoozing.onSubmit}>
        <p>
          <b>{alarm.title}</b>
        </p>
        <Choices legend="Silent">
          {choices.map(([words, untilMs], at) => (
            <Choice key={words} type="radio" name="choice" checked={chosen === at} onChange={() => setChosen(at)}>
              {words} <span className="fine">until {formatInstant(untilMs, nowMs)}</span>
            </Choice>
          ))}
          <Choice type="radio" name="choice" checked={isOwn} onChange={() => setChosen(choices.length)}>
            Until a time of your own
          </Choice>
        </Choices>
        {isOwn && (
          <Field
            label="Until"
            name="until"
            type="datetime-local"
            required
            min={toLocalInput(nowMs)}
            max={toLocalInput(nowMs + 30 * dayMs)}
            defaultValue={toLocalInput(nowMs + dayMs)}
            note="30 days ahead at most"
          />
        )}
        <Field {...noteField} />
        <FaultLine fault={snoozing.fault} />
        <div className="buttons">
          <Button type="submit" tone="strong" disabled={snoozing.busy}>
            Snooze
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}

function tomorrowAtEight(nowMs: number): number {
  const at = new Date(nowMs + dayMs);
  at.setHours(8, 0, 0, 0);
  return at.getTime();
}
