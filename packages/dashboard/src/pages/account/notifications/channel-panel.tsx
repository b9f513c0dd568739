import type { ChannelBody, MadeChannelBody } from "@wattboard/protocol";
import { useState } from "react";
import { sendJson } from "../../../api/request.ts";
import { serverClock } from "../../../api/server-clock.ts";
import { apiPaths } from "../../../paths.ts";
import { Button } from "../../../ui/button.tsx";
import { ConfirmButton } from "../../../ui/confirm-button.tsx";
import { Dialog } from "../../../ui/dialog.tsx";
import { FaultLine } from "../../../ui/fault-line.tsx";
import { Field } from "../../../ui/field.tsx";
import { formatInstant } from "../../../ui/format-time.ts";
import { Tag } from "../../../ui/tag.tsx";
import { useSubmit } from "../../../ui/use-submit.ts";
import { channelScopeWords, kindWord, stateWords } from "./channel-words.ts";
import styles from "./notifications.module.css";
import { ScopeForm } from "./scope-form.tsx";

interface ChannelPanelProps {
  readonly channel: ChannelBody;
  readonly onChanged: () => void;
  readonly onSecret: (made: MadeChannelBody) => void;
}

/** One channel: whether it works, what it tells, and what can be done with it. */
export function ChannelPanel({ channel, onChanged, onSecret }: ChannelPanelProps) {
  const [isChanging, setChanging] = useState(false);
  const acting = useSubmit();
  const { channel_id: channelId } = channel;
  const act = (task: () => Promise<void>) =>
    acting.run(async () => {
      await task();
      onChanged();
    });
  return (
    <li className={styles.channel} aria-label={channel.name}>
      <div className={styles.head}>
        <b>{channel.name}</b>
        <span className={styles.to}>
          {kindWord(channel)} to {channel.to}
        </span>
        {channel.state !== "ready" && <Tag tone="warn">{stateWords[channel.state]}</Tag>}
      </div>
      {channel.cause !== null && (
        <p className="bad">
          {channel.cause}
          {channel.next_try_at !== null && (
            <> It is tried again at {formatInstant(Date.parse(channel.next_try_at), serverClock.now())}.</>
          )}
        </p>
      )}
      {channel.state === "unverified" ? (
        <Confirmation channel={channel} onChanged={onChanged} />
      ) : (
        <p>{channelScopeWords(channel)}</p>
      )}
      <FaultLine fault={acting.fault} />
      <div className="buttons">
        {channel.state !== "unverified" && (
          <>
            <Button
              disabled={acting.busy}
              aria-label={`Send a test by ${channel.name}`}
              onClick={() => act(() => sendJson("POST", apiPaths.testChannel(channelId)))}
            >
              Send a test
            </Button>
            <Button aria-label={`Change ${channel.name}`} onClick={() => setChanging(true)}>
              Change
            </Button>
          </>
        )}
        {channel.preset === "standard" && (
          <ConfirmButton
            sure="Make a new secret"
            disabled={acting.busy}
            onConfirm={() => act(async () => onSecret(await sendJson("POST", apiPaths.rotateChannelSecret(channelId))))}
          >
            New secret
          </ConfirmButton>
        )}
        <ConfirmButton
          tone="bad"
          sure={`Remove ${channel.name}`}
          label={`Remove ${channel.name}`}
          disabled={acting.busy}
          onConfirm={() => act(() => sendJson("DELETE", apiPaths.channel(channelId)))}
        >
          Remove
        </ConfirmButton>
      </div>
      {isChanging && (
        <Dialog title={`What ${channel.name} tells`} onClose={() => setChanging(false)}>
          <ScopeForm
            channel={channel}
            onDone={() => {
              setChanging(false);
              onChanged();
            }}
          />
        </Dialog>
      )}
    </li>
  );
}

function Confirmation({ channel, onChanged }: Pick<ChannelPanelProps, "channel" | "onChanged">) {
  const confirming = useSubmit(async (form) => {
    await sendJson("POST", apiPaths.verifyChannel(channel.channel_id), { code: String(form.get("code")).trim() });
    onChanged();
  });
  const again = () =>
    confirming.run(async () => {
      await sendJson("POST", apiPaths.resendChannelCode(channel.channel_id));
      onChanged();
    });
  return (
    <form onSubmit={confirming.onSubmit}>
      <p>A message with a code was sent there. Nothing else is, until you have confirmed that it is your address.</p>
      <div className={styles.inline}>
        <Field label="Code" name="code" required autoComplete="one-time-code" />
        <Button type="submit" tone="strong" disabled={confirming.busy}>
          Confirm
        </Button>
        <Button disabled={confirming.busy} onClick={again}>
          Send it again
        </Button>
      </div>
      <FaultLine fault={confirming.fault} />
    </form>
  );
}
