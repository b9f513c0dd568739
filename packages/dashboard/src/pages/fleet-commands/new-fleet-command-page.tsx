import { useQuery } from "@tanstack/react-query";
import type { Capabilities, CommandAction, CommandListBody } from "@wattboard/protocol";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useSearchParams } from "wouter";
import { mayCommandAny, useMe } from "../../api/me.ts";
import { getJson } from "../../api/request.ts";
import { mergeCapabilities } from "../../domain/merge-capabilities.ts";
import { type CommandOrder, ModeForm, ParameterForm } from "../../domain/order-forms.tsx";
import { Page } from "../../frame/page.tsx";
import { apiPaths, pagePaths } from "../../paths.ts";
import { Button } from "../../ui/button.tsx";
import { FaultLine } from "../../ui/fault-line.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Panel } from "../../ui/panel.tsx";
import { Segments } from "../../ui/segments.tsx";
import { changeView, type FleetView, formatView, parseView } from "../fleet/fleet-view.ts";
import { devicesWord, FleetPreview, useFleetPreview } from "./fleet-preview.tsx";
import { conditionsOf, type Untold, untoldOf, whereWords } from "./fleet-target.ts";
import styles from "./new-fleet-command-page.module.css";
import { type RolloutSettings, RolloutSettingsForm, usualSettings } from "./rollout-settings.tsx";

/** `/fleet-commands/new`: from the filter of the fleet's table, which the address holds as it does there, to a command that has begun. */
export function NewFleetCommandPage() {
  const me = useMe();
  const [params, setParams] = useSearchParams();
  const address = params.toString();
  const { view, faults } = useMemo(() => parseView(new URLSearchParams(address)), [address]);
  const untold = untoldOf(view);
  return (
    <Page
      title="New fleet command"
      heading="Command many devices"
      aside={<Link href={`${pagePaths.fleet}?${formatView(view)}`}>Change the filter in the table</Link>}
    >
      {me !== undefined && !mayCommandAny(me) && (
        <Notice tone="info" title="You may look at devices, but not command them.">
          <p>An administrator can change what you may do.</p>
        </Notice>
      )}
      {faults.length > 0 && (
        <Notice
          tone="warn"
          title="Not all of this address could be read. Nothing is commanded by a filter that is not whole."
        >
          {faults.map((fault) => (
            <p key={fault}>{fault}</p>
          ))}
        </Notice>
      )}
      {mayCommandAny(me) && faults.length === 0 && untold.length > 0 && (
        <UntoldFilter untold={untold} onChange={(change) => setParams(formatView(changeView(view, change)))} />
      )}
      {mayCommandAny(me) && faults.length === 0 && untold.length === 0 && <NewFleetCommand view={view} />}
    </Page>
  );
}

interface UntoldFilterProps {
  readonly untold: readonly Untold[];
  readonly onChange: (change: Partial<FleetView>) => void;
}

/** What no condition can say is not left out silently: then other devices would be reached than were seen. */
function UntoldFilter({ untold, onChange }: UntoldFilterProps) {
  return (
    <Notice tone="warn" icon="filter" title="Not all of the table’s filter can be the filter of a command.">
      {untold.map(({ about, instead }) => (
        <div key={about} className={styles.untold}>
          <p>{about} Choose what is meant:</p>
          <div className="buttons">
            {instead.map(({ label, change }) => (
              <Button key={label} onClick={() => onChange(change)}>
                {label}
              </Button>
            ))}
          </div>
        </div>
      ))}
    </Notice>
  );
}

function NewFleetCommand({ view }: { readonly view: FleetView }) {
  const where = useMemo(() => conditionsOf(view), [view]);
  const [order, setOrder] = useState<CommandOrder | null>(null);
  const [settings, setSettings] = useState<RolloutSettings>(usualSettings);
  const previewRef = useRef<HTMLDivElement>(null);
  // On a phone it stands below all else.
  useEffect(() => {
    if (order !== null) previewRef.current?.scrollIntoView({ block: "nearest" });
  }, [order]);
  return (
    <div className={styles.layout}>
      <div className={styles.steps}>
        <Panel title="Which devices">
          <ul className={styles.where} aria-label="Filter">
            {whereWords(where).map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
          <Offered where={where} onOrder={setOrder} />
        </Panel>
        <Panel title="How carefully">
          <RolloutSettingsForm settings={settings} onChange={setSettings} />
        </Panel>
      </div>
      <div ref={previewRef} className={styles.preview}>
        {order === null ? (
          <Panel title="Preview">
            <p className="muted">
              Choose what the devices are told, and look at the preview: which devices it reaches, which not and why.
              Nothing is sent before you begin it there.
            </p>
          </Panel>
        ) : (
          <FleetPreview body={{ ...order, where, ...settings }} />
        )}
      </div>
    </div>
  );
}

/** Every device can be told this; who fits the filter does not hang on what is commanded. */
const anyOrder = { action: "SET_MODE", payload: { target_mode: "AUTO" } } as const;

/** How many devices fit, and the form that knows what they can be told. */
function Offered({
  where,
  onOrder,
}: {
  readonly where: readonly string[];
  readonly onOrder: (order: CommandOrder) => void;
}) {
  const { preview, failure } = useFleetPreview({ ...anyOrder, where });
  const ids = useMemo(() => {
    const { device_ids = [], misfits = [] } = preview ?? {};
    return sampleOf([...device_ids, ...misfits.map(({ device_id }) => device_id)]);
  }, [preview]);
  const { data: known } = useQuery({
    queryKey: [apiPaths.devices, "capabilities", ids],
    queryFn: ({ signal }) => askCapabilities(ids, signal),
    enabled: ids.length > 0,
    placeholderData: (before) => before,
  });
  if (preview === null) return failure === null ? <p className="muted">…</p> : <FaultLine fault={failure.message} />;
  const matching = preview.count + preview.misfit_count;
  return (
    <>
      <p>
        <b>{devicesWord(matching)}</b> {matching === 1 ? "fits" : "fit"} now, of those that you may command.
      </p>
      {known !== undefined && (
        <>
          <OrderChoice known={known} onOrder={onOrder} />
          {matching > ids.length && (
            <p className="fine">
              Offered is what {ids.length} of them, picked throughout, can be told at the most. The preview asks every
              one.
            </p>
          )}
        </>
      )}
    </>
  );
}

const actionWords: Readonly<Record<CommandAction, string>> = {
  SET_MODE: "Mode",
  SET_PARAMETER: "Parameter",
  RESET_ERROR: "Reset error",
  RESTART: "Restart",
};

interface OrderChoiceProps {
  readonly known: Capabilities;
  readonly onOrder: (order: CommandOrder) => void;
}

function OrderChoice({ known: { commands, parameters = [] }, onOrder }: OrderChoiceProps) {
  const [chosen, setChosen] = useState<CommandAction | null>(null);
  const actions = (Object.keys(actionWords) as CommandAction[]).filter((each) =>
    each === "SET_PARAMETER" ? parameters.length > 0 : commands[each] !== undefined,
  );
  const action = chosen !== null && actions.includes(chosen) ? chosen : actions[0];
  // Each of them may be in another mode, and have other values.
  const read = () => undefined;
  const common = { read, verb: "Preview", onOrder };
  return (
    <div className={styles.order}>
      <Segments
        label="Command"
        isWide
        value={action ?? ""}
        options={actions.map((each) => [each, actionWords[each]])}
        onChange={(each) => setChosen(each === "" ? null : each)}
      />
      {action === "SET_MODE" && commands.SET_MODE !== undefined && (
        <ModeForm {...common} known={commands.SET_MODE} asksFirst={false} />
      )}
      {action === "SET_PARAMETER" && <ParameterForm {...common} parameters={parameters} />}
      {(action === "RESET_ERROR" || action === "RESTART") && (
        <div className="buttons">
          <Button tone="strong" onClick={() => onOrder({ action, payload: {} })}>
            Preview
          </Button>
        </div>
      )}
    </div>
  );
}

/** Devices that are asked what they can be told. */
const askedMax = 8;

/** Some of them, as far apart as can be: those beside each other are often of one kind. */
function sampleOf(ids: readonly string[]): readonly string[] {
  const step = Math.max(1, Math.ceil(ids.length / askedMax));
  return ids.filter((_, at) => at % step === 0);
}

async function askCapabilities(ids: readonly string[], signal: AbortSignal): Promise<Capabilities> {
  const answers = await Promise.all(
    ids.map((id) => getJson<CommandListBody>(apiPaths.commands(id, { limit: 1 }), signal)),
  );
  return mergeCapabilities(answers.map(({ announced }) => announced));
}
