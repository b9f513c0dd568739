import type {
  ChannelsBody,
  MadeChannelBody,
  NotificationPreferencesBody,
  NotificationsBody,
} from "@wattboard/protocol";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import { useMe } from "../../../api/me.ts";
import { queryClient } from "../../../api/query-client.ts";
import { sendJson } from "../../../api/request.ts";
import { usePolled } from "../../../api/use-polled.ts";
import { Page } from "../../../frame/page.tsx";
import { apiPaths, pagePaths } from "../../../paths.ts";
import { CopyLine } from "../../../ui/copy-line.tsx";
import { FaultLine } from "../../../ui/fault-line.tsx";
import { Notice } from "../../../ui/notice.tsx";
import { Panel } from "../../../ui/panel.tsx";
import { useSubmit } from "../../../ui/use-submit.ts";
import { AddChannel } from "./add-channel.tsx";
import { ChannelPanel } from "./channel-panel.tsx";
import { Escalation } from "./escalation.tsx";
import { NotificationList } from "./notification-list.tsx";
import styles from "./notifications.module.css";
import { QuietHours } from "./quiet-hours.tsx";

const changed = () => {
  void queryClient.invalidateQueries({ queryKey: [apiPaths.channels] });
  void queryClient.invalidateQueries({ queryKey: [apiPaths.notifications({ limit: 20 })] });
};

/** `/account/notifications`: by what somebody is told of alarms, when, and what they were told. */
export function NotificationsPage() {
  const me = useMe();
  const isPerson = me?.kind === "person";
  const [secret, setSecret] = useState<MadeChannelBody | null>(null);
  const channels = usePolled<ChannelsBody>(isPerson ? apiPaths.channels : null, { everyMs: 3_000 });
  const preferences = usePolled<NotificationPreferencesBody>(isPerson ? apiPaths.notificationPreferences : null, {
    everyMs: 60_000,
  });
  const newest = usePolled<NotificationsBody>(isPerson ? apiPaths.notifications({ limit: 20 }) : null, {
    everyMs: 3_000,
  });
  const confirming = useConfirmation(isPerson);
  const made = (channel: MadeChannelBody) => {
    if (channel.secret !== null) setSecret(channel);
    changed();
  };
  const failure = channels.failure ?? newest.failure;
  return (
    <Page title="Notifications" heading="Notifications" {...(me === undefined && { waitingFor: "the server" })}>
      {me !== undefined && !isPerson && (
        <Notice tone="info" title="Notifications belong to people, and nobody is signed in here.">
          <p>
            <Link href={pagePaths.signIn(pagePaths.notifications)}>Sign in</Link>
          </p>
        </Notice>
      )}
      {failure !== null && <Notice tone="warn" title={failure.message} />}
      <FaultLine fault={confirming.fault} />
      {secret !== null && (
        <Notice tone="info" icon="clock" title={`The secret of ${secret.channel.name}. It is shown only now.`}>
          <CopyLine label={`Secret of ${secret.channel.name}`} text={secret.secret ?? ""} />
          <p className="fine">
            With it your program checks that a message is from here.
            {secret.old_secret_until !== null && " For a day messages are signed with the old one as well."}
          </p>
        </Notice>
      )}
      {isPerson && channels.body !== null && (
        <div className={`stack ${styles.page}`}>
          <Panel title="How you are told">
            {channels.body.channels.length === 0 ? (
              <p>Nothing tells you of alarms yet. Add where you want to be told:</p>
            ) : (
              <ul>
                {channels.body.channels.map((channel) => (
                  <ChannelPanel key={channel.channel_id} channel={channel} onChanged={changed} onSecret={setSecret} />
                ))}
              </ul>
            )}
            <div className={styles.channel}>
              <AddChannel channels={channels.body} onMade={made} />
            </div>
          </Panel>
          {preferences.body !== null && (
            <Panel title="When">
              <QuietHours preferences={preferences.body} />
            </Panel>
          )}
          <Panel title="What you were told">
            {newest.body !== null && <NotificationList notifications={newest.body.notifications} />}
          </Panel>
          {me.role === "admin" && <Escalation />}
          {me.role !== "viewer" && (
            <p>
              <Link href={pagePaths.maintenance()}>Maintenance</Link>: times in which nobody is told of some devices
            </p>
          )}
        </div>
      )}
    </Page>
  );
}

/** Confirms the address whose link was opened. The code is behind the #, so no server and no log has seen it. */
function useConfirmation(isPerson: boolean) {
  const confirming = useSubmit();
  const { run } = confirming;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once it is known who is here, and with each link that is opened.
  useEffect(() => {
    const confirm = () => {
      const [, channelId, code] = /^#confirm=(\w+)\.(\w+)$/.exec(location.hash) ?? [];
      if (!isPerson || channelId === undefined || code === undefined) return;
      history.replaceState(null, "", location.pathname);
      run(async () => {
        await sendJson("POST", apiPaths.verifyChannel(channelId), { code });
        changed();
      });
    };
    confirm();
    addEventListener("hashchange", confirm);
    return () => removeEventListener("hashchange", confirm);
  }, [isPerson]);
  return confirming;
}
