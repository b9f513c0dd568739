import type { ChannelsBody, MadeChannelBody, WebhookPreset } from "@wattboard/protocol";
import { useState } from "react";
import { sendJson } from "../../../api/request.ts";
import { apiPaths } from "../../../paths.ts";
import { Button } from "../../../ui/button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { FaultLine } from "../../../ui/fault-line.tsx";
import { Field, Form, inputLook, Labelled } from "../../../ui/field.tsx";
import { useSubmit } from "../../../ui/use-submit.ts";
import { presetWords } from "./channel-words.ts";
import { describePushFault, subscribeHere } from "./push-subscription.ts";

interface AddChannelProps {
  readonly channels: ChannelsBody;
  readonly onMade: (made: MadeChannelBody) => void;
}

/** The ways of being told that can be added. */
export function AddChannel({ channels, onMade }: AddChannelProps) {
  const [adding, setAdding] = useState<"email" | "webhook" | null>(null);
  const subscribing = useSubmit();
  const pushFault = describePushFault();
  const made = (channel: MadeChannelBody) => {
    setAdding(null);
    onMade(channel);
  };
  return (
    <>
      <div className="buttons">
        <Button disabled={!channels.can_mail} onClick={() => setAdding("email")}>
          Add an e-mail address
        </Button>
        <Button
          disabled={pushFault !== null || subscribing.busy}
          onClick={() => subscribing.run(async () => made(await subscribeHere(channels.push_public_key)))}
        >
          Add this browser
        </Button>
        <Button onClick={() => setAdding("webhook")}>Add a webhook</Button>
      </div>
      <FaultLine fault={subscribing.fault} />
      {!channels.can_mail && (
        <p className="fine">The server sends no e-mail: whoever runs it has not set notify.smtp_url.</p>
      )}
      {pushFault !== null && <p className="fine">{pushFault}</p>}
      {adding === "email" && (
        <Dialog title="Add an e-mail address" onClose={() => setAdding(null)}>
          <EmailForm onMade={made} />
        </Dialog>
      )}
      {adding === "webhook" && (
        <Dialog title="Add a webhook" onClose={() => setAdding(null)}>
          <WebhookForm onMade={made} />
        </Dialog>
      )}
    </>
  );
}

function EmailForm({ onMade }: Pick<AddChannelProps, "onMade">) {
  const adding = useSubmit(async (form) => {
    onMade(await sendJson("POST", apiPaths.channels, { kind: "email", address: String(form.get("address")) }));
  });
  return (
    <Form onSubmit={adding.onSubmit}>
      <Field label="Address" name="address" type="email" required autoFocus note="It is sent a code, to confirm it." />
      <FaultLine fault={adding.fault} />
      <Button type="submit" tone="strong" disabled={adding.busy}>
        Send the code
      </Button>
    </Form>
  );
}

/** What its address is called there, and what it looks like. */
const addressOf: Readonly<Record<WebhookPreset, { readonly label: string; readonly example: string }>> = {
  standard: { label: "Address", example: "https://example.org/hooks/wattboard" },
  ntfy: { label: "Server", example: "https://ntfy.sh" },
  slack: { label: "Address of the incoming webhook", example: "https://hooks.slack.com/services/…" },
  telegram: { label: "Address of the bot", example: "https://api.telegram.org/bot…/sendMessage" },
  home_assistant: { label: "Address of the webhook", example: "http://192.168.1.20:8123/api/webhook/…" },
};

function WebhookForm({ onMade }: Pick<AddChannelProps, "onMade">) {
  const [preset, setPreset] = useState<WebhookPreset>("standard");
  const adding = useSubmit(async (form) => {
    const given = (name: string) => {
      const value = String(form.get(name) ?? "").trim();
      return value === "" ? {} : { [name]: value };
    };
    const body = {
      kind: "webhook",
      preset,
      ...given("url"),
      ...given("topic"),
      ...given("token"),
      ...given("chat_id"),
    };
    onMade(await sendJson("POST", apiPaths.channels, body));
  });
  const { label, example } = addressOf[preset];
  return (
    <Form onSubmit={adding.onSubmit}>
      <Labelled label="For">
        <select
          className={inputLook}
          value={preset}
          onChange={(event) => setPreset(event.target.value as WebhookPreset)}
        >
          {Object.entries(presetWords).map(([value, word]) => (
            <option key={value} value={value}>
              {value === "standard" ? "Your own program (Standard Webhooks)" : word}
            </option>
          ))}
        </select>
      </Labelled>
      <Field label={label} name="url" type="url" required placeholder={example} />
      {preset === "ntfy" && (
        <>
          <Field label="Topic" name="topic" required />
          <Field label="Access token (optional)" name="token" autoComplete="off" />
        </>
      )}
      {preset === "telegram" && <Field label="Chat" name="chat_id" required placeholder="-1001234567890" />}
      <FaultLine fault={adding.fault} />
      <Button type="submit" tone="strong" disabled={adding.busy}>
        Add it
      </Button>
    </Form>
  );
}
