import { formatCondition, operators } from "@wattboard/protocol";
import { useState } from "react";
import { Link } from "wouter";
import { mayCommandAny, useMe } from "../../api/me.ts";
import { pagePaths } from "../../paths.ts";
import { Button, buttonLook } from "../../ui/button.tsx";
import { inputLook } from "../../ui/field.tsx";
import { formatNumber } from "../../ui/format-number.ts";
import { Icon } from "../../ui/icon.tsx";
import { Segments } from "../../ui/segments.tsx";
import { ColumnChoice } from "./column-choice.tsx";
import { ConditionForm } from "./condition-form.tsx";
import { conditionWords } from "./condition-words.ts";
import type { FleetField } from "./fleet-field.ts";
import { fleetField } from "./fleet-field.ts";
import type { FleetPart } from "./fleet-filter.ts";
import styles from "./fleet-tools.module.css";
import type { FleetTotals } from "./fleet-totals.ts";
import { type FleetView, formatView, startsDescending, viewLimits } from "./fleet-view.ts";
import type { useHighlight } from "./use-highlight.ts";

interface FleetToolsProps {
  readonly view: FleetView;
  readonly totals: FleetTotals;
  readonly shown: number;
  /** How many there were when the view was last changed. */
  readonly found: number;
  /** How many of those shown whoever looks may command. */
  readonly commandable: number;
  readonly fields: readonly FleetField[];
  /** Values of a field that devices have told, to choose from. */
  readonly valuesOf: (field: string) => readonly string[];
  readonly highlight: ReturnType<typeof useHighlight>;
  readonly onChange: (change: Partial<FleetView>) => void;
}

/** What narrows and orders the list, and which columns it has. */
export function FleetTools(props: FleetToolsProps) {
  const { view, totals, shown, found, commandable, fields, valuesOf, highlight, onChange } = props;
  const { devices, online, withError } = totals;
  const [isAdding, setAdding] = useState(false);
  const [isChoosing, setChoosing] = useState(false);
  const parts: [FleetPart, string, number][] = [
    ["all", "All", devices],
    ["online", "Online", online],
    ["offline", "Offline", devices - online],
    ["error", "Errors", withError],
  ];
  return (
    <search className={styles.tools}>
      <Search text={view.text} onChange={(text) => onChange({ text })} />
      <Segments
        label="Which devices"
        value={view.part}
        options={parts.map(([name, label, count]) => [
          name,
          <span key={name}>
            {label} <span className={styles.count}>{formatNumber(count, 0)}</span>
          </span>,
        ])}
        onChange={(part) => onChange({ part })}
      />
      <div className={styles.buttons}>
        <Button aria-expanded={isAdding} onClick={() => setAdding(!isAdding)}>
          <Icon name="filter" size={14} /> Filter
        </Button>
        <Button aria-haspopup="dialog" onClick={() => setChoosing(true)}>
          <Icon name="columns" size={14} /> Columns
        </Button>
        <HighlightSwitch highlight={highlight} />
      </div>
      {isAdding && (
        <ConditionForm
          fields={fields}
          valuesOf={valuesOf}
          isFull={view.conditions.length >= viewLimits.conditions}
          onAdd={(condition) => onChange({ conditions: [...view.conditions, condition] })}
        />
      )}
      <div className={styles.chosen}>
        <Filters conditions={view.conditions} onChange={(conditions) => onChange({ conditions })} />
        <SortChoice view={view} fields={fields} onChange={onChange} />
        <p>{shown === devices ? "" : `${formatNumber(shown, 0)} of ${formatNumber(devices, 0)} fit`}</p>
        <p className="sr-only" role="status">
          {formatNumber(found, 0)} devices
        </p>
        <CommandLinks view={view} shown={shown} commandable={commandable} />
      </div>
      {isChoosing && (
        <ColumnChoice
          fields={fields}
          chosen={view.columns}
          onChange={(columns) => onChange({ columns })}
          onClose={() => setChoosing(false)}
        />
      )}
    </search>
  );
}

function Search({ text, onChange }: { readonly text: string; readonly onChange: (text: string) => void }) {
  return (
    <label className={styles.search}>
      <Icon name="search" />
      <span className="sr-only">Search devices</span>
      <input
        className={inputLook}
        type="search"
        value={text}
        placeholder="Search name, place, state…"
        onChange={({ target }) => onChange(target.value)}
      />
    </label>
  );
}

/** From the devices that are shown to a command for all of them, or for those that one may command. */
function CommandLinks({ view, shown, commandable }: Pick<FleetToolsProps, "view" | "shown" | "commandable">) {
  if (!mayCommandAny(useMe())) return null;
  const these = shown === 1 ? "this device" : `these ${formatNumber(shown, 0)} devices`;
  return (
    <div className={styles.commands}>
      <Link href={pagePaths.fleetCommands}>Fleet commands</Link>
      {commandable > 0 && (
        <Link {...buttonLook} href={pagePaths.newFleetCommand(formatView(view))}>
          Command {commandable === shown ? these : `${formatNumber(commandable, 0)} of ${these}`}…
        </Link>
      )}
    </div>
  );
}

function HighlightSwitch({ highlight }: Pick<FleetToolsProps, "highlight">) {
  return (
    <button
      type="button"
      role="switch"
      className={styles.switch}
      aria-checked={highlight.isOn}
      disabled={highlight.isStilled}
      title={highlight.isStilled ? "Your system asks for less motion." : "Values light up when they change"}
      onClick={highlight.toggle}
    >
      <span className={styles.track} aria-hidden="true" />
      <span>
        Highlight<span className={styles.wide}> updates</span>
      </span>
    </button>
  );
}

interface FiltersProps {
  readonly conditions: FleetView["conditions"];
  readonly onChange: (conditions: FleetView["conditions"]) => void;
}

function Filters({ conditions, onChange }: FiltersProps) {
  return (
    <ul className={styles.list} aria-label="Filters">
      {conditions.map((condition, at) => {
        const { label, unit } = fleetField(condition.field);
        return (
          <li key={formatCondition(condition)} className={styles.one} title={condition.field}>
            <span>
              {label} <i>{operators[condition.operator]}</i> <b>{condition.value || "…"}</b> {unit}
            </span>
            <button
              type="button"
              aria-label={`Remove filter: ${conditionWords(condition)}`}
              onClick={() => onChange(conditions.filter((_, index) => index !== at))}
            >
              <Icon name="close" size={11} />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

type SortChoiceProps = Pick<FleetToolsProps, "view" | "fields" | "onChange">;

/** The order in words; the only place to change it by touch to more than one column. */
function SortChoice({ view: { sorts }, fields, onChange }: SortChoiceProps) {
  return (
    <div className={styles.order}>
      <span>Ordered by</span>
      <ol className={styles.list} aria-label="Order">
        {sorts.map((sort, at) => {
          const { label } = fleetField(sort.field);
          const turned = sorts.map((each, index) => (index === at ? { ...each, descending: !each.descending } : each));
          return (
            <li key={sort.field} className={styles.one}>
              <button
                type="button"
                aria-label={`${label}, ${sort.descending ? "largest" : "smallest"} first: turn`}
                onClick={() => onChange({ sorts: turned })}
              >
                {label} <Icon name={sort.descending ? "down" : "up"} size={11} />
              </button>
              {sorts.length > 1 && (
                <button
                  type="button"
                  aria-label={`No longer order by ${label}`}
                  onClick={() => onChange({ sorts: sorts.filter((_, index) => index !== at) })}
                >
                  <Icon name="close" size={11} />
                </button>
              )}
            </li>
          );
        })}
      </ol>
      {sorts.length < viewLimits.sorts && (
        <select
          className={styles.then}
          aria-label="Order also by"
          value=""
          onChange={({ target: { value: field } }) =>
            onChange({ sorts: [...sorts, { field, descending: startsDescending(field) }] })
          }
        >
          <option value="">then by…</option>
          {fields
            .filter(({ name }) => !sorts.some(({ field }) => field === name))
            .map(({ name, label }) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
        </select>
      )}
    </div>
  );
}
