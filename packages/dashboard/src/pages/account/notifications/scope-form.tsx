import type { ChannelBody } from "@wattboard/protocol";
import { sendJson } from "../../../api/request.ts";
import { apiPaths } from "../../../paths.ts";
import { Button } from "../../../ui/button.tsx";
import { FaultLine } from "../../../ui/fault-line.tsx";
import { Choice, Choices, Field, Form } from "../../../ui/field.tsx";
import { useSubmit } from "../../../ui/use-submit.ts";

const severities = [
  ["critical", "Critical", "something fails, or nothing comes"],
  ["warning", "Warnings", "something is not as it should be"],
  ["info", "Notes", "good to know"],
] as const;

/** What one channel tells. */
export function ScopeForm({ channel, onDone }: { readonly channel: ChannelBody; readonly onDone: () => void }) {
  const saving = useSubmit(async (form) => {
    await sendJson("PATCH", apiPaths.channel(channel.channel_id), {
      name: String(form.get("name")).trim(),
      is_on: form.get("is_on") !== null,
      severities: severities.map(([each]) => each).filter((each) => form.get(each) !== null),
      with_server: form.get("with_server") !== null,
      where: String(form.get("where"))
        .split(",")
        .map((each) => each.trim())
        .filter((each) => each !== ""),
      digest_minutes: Number(form.get("digest_minutes")),
    });
    onDone();
  });
  return (
    <Form onSubmit={saving.onSubmit}>
      <Field label="Name" name="name" required maxLength={64} defaultValue={channel.name} />
      <Choices legend="Tell me">
        {severities.map(([each, word, meaning]) => (
          <Choice key={each} type="checkbox" name={each} defaultChecked={channel.severities.includes(each)}>
            {word} <span className="fine">{meaning}</span>
          </Choice>
        ))}
        <Choice type="checkbox" name="with_server" defaultChecked={channel.with_server}>
          What is about the server <span className="fine">for who has all devices</span>
        </Choice>
      </Choices>
      <Field
        label="Only devices where"
        name="where"
        defaultValue={channel.where.join(", ")}
        placeholder="properties.site = Uppsala"
        note="Conditions as in the filters of the fleet, with commas between them. Empty: all that you may see."
      />
      <Field
        label="Collect for, in minutes"
        name="digest_minutes"
        type="number"
        min={0}
        max={1440}
        required
        defaultValue={channel.digest_minutes}
        note="What comes within that time is told in one message. 0: each at once."
      />
      <Choice type="checkbox" name="is_on" defaultChecked={channel.is_on}>
        On
      </Choice>
      <FaultLine fault={saving.fault} />
      <Button type="submit" tone="strong" disabled={saving.busy}>
        Save
      </Button>
    </Form>
  );
}
