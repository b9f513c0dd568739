import { type ApiTokenBody, describeDevices } from "@wattboard/protocol";
import { useState } from "react";
import { queryClient } from "../../api/query-client.ts";
import { sendJson } from "../../api/request.ts";
import { serverClock } from "../../api/server-clock.ts";
import { usePolled } from "../../api/use-polled.ts";
import { roleWord } from "../../domain/rights.ts";
import { AdministrationPage } from "../../frame/administration-page.tsx";
import { apiPaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { ConfirmButton } from "../../ui/confirm-button.tsx";
import { CopyLine } from "../../ui/copy-line.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { formatInstant } from "../../ui/format-time.ts";
import list from "../../ui/list.module.css";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Tag } from "../../ui/tag.tsx";
import { useSubmit } from "../../ui/use-submit.ts";
import { ApiTokenForm, type NewApiToken } from "./api-token-form.tsx";

/** `/api-tokens`: what scripts and dashboards sign in with. */
export function ApiTokensPage() {
  const [isAdding, setAdding] = useState(false);
  const [made, setMade] = useState<NewApiToken | null>(null);
  return (
    <AdministrationPage
      title="API tokens"
      aside={
        <Button tone="strong" onClick={() => setAdding(true)}>
          Make a token
        </Button>
      }
    >
      {() => (
        <>
          {made !== null && (
            <Notice tone="info" icon="clock" title={`The token ${made.name}. It is shown only now.`}>
              <CopyLine label={`Token ${made.name}`} text={made.token} />
              <p className="fine">
                Used as: <code>Authorization: Bearer {"<token>"}</code>
              </p>
            </Notice>
          )}
          <TokenList />
          {isAdding && (
            <Dialog title="Make an API token" onClose={() => setAdding(false)}>
              <ApiTokenForm
                onMade={(token) => {
                  setMade(token);
                  setAdding(false);
                  askTokens();
                }}
              />
            </Dialog>
          )}
        </>
      )}
    </AdministrationPage>
  );
}

function askTokens(): void {
  void queryClient.invalidateQueries({ queryKey: [apiPaths.apiTokens] });
}

function TokenList() {
  const { body, failure } = usePolled<{ api_tokens: ApiTokenBody[] }>(apiPaths.apiTokens, { everyMs: 10_000 });
  const removing = useSubmit();
  const remove = (name: string) =>
    removing.run(async () => {
      await sendJson("DELETE", apiPaths.apiToken(name));
      askTokens();
    });
  const fault = removing.fault ?? failure?.message ?? null;
  const tokens = body?.api_tokens ?? [];
  return (
    <>
      {fault !== null && <Notice tone="warn" title={fault} />}
      {body !== null && (
        <Panel title={`${tokens.length} ${tokens.length === 1 ? "token" : "tokens"}`}>
          {tokens.length === 0 && (
            <p className="muted">None yet. A script, a wall board or another program signs in with one.</p>
          )}
          {tokens.length > 0 && (
            <table className={list.list}>
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Role</th>
                  <th>Devices</th>
                  <th>Made</th>
                  <th>Ends</th>
                  <th>
                    <span className="sr-only">Remove</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {tokens.map((token) => (
                  <TokenRow key={token.name} token={token} isBusy={removing.busy} onRemove={() => remove(token.name)} />
                ))}
              </tbody>
            </table>
          )}
        </Panel>
      )}
    </>
  );
}

/** A token that ends within this time is pointed at. */
const soonMs = 14 * 86_400_000;

interface TokenRowProps {
  readonly token: ApiTokenBody;
  readonly isBusy: boolean;
  readonly onRemove: () => void;
}

function TokenRow({ token, isBusy, onRemove }: TokenRowProps) {
  const nowMs = serverClock.now();
  const { name, role, devices, created_at, expires_at, made_by } = token;
  const leftMs = expires_at === null ? null : Date.parse(expires_at) - nowMs;
  return (
    <tr>
      <td>
        <b>{name}</b>
      </td>
      <td data-label="Role">{roleWord(role as "viewer" | "operator" | "admin")}</td>
      <td data-label="Devices">{describeDevices(devices)}</td>
      <td data-label="Made">
        {formatInstant(Date.parse(created_at), nowMs)}
        {made_by !== null && <span className={list.sub}>by {made_by.replace(/^person /, "")}</span>}
      </td>
      <td data-label="Ends">
        {expires_at === null ? (
          <span className="muted">never</span>
        ) : (
          <>
            {formatInstant(Date.parse(expires_at), nowMs)}{" "}
            {leftMs !== null && leftMs < soonMs && <Tag tone="warn">{leftMs <= 0 ? "ended" : "soon"}</Tag>}
          </>
        )}
      </td>
      <td className={list.end}>
        <span className="buttons">
          <ConfirmButton
            tone="bad"
            sure={`Remove ${name} for ever`}
            label={`Remove ${name}`}
            disabled={isBusy}
            onConfirm={onRemove}
          >
            Remove
          </ConfirmButton>
        </span>
      </td>
    </tr>
  );
}
