import { useState } from "react";
import { Icon } from "../../ui/icon.tsx";
import { ColumnChoice } from "./column-choice.tsx";
import { ConditionForm } from "./condition-form.tsx";
import type { FleetField } from "./fleet-field.ts";
import { fleetField } from "./fleet-field.ts";
import { type FleetPart, operatorWords } from "./fleet-filter.ts";
import type { FleetTotals } from "./fleet-totals.ts";
import { type FleetView, formatCondition, startsDescending, viewLimits } from "./fleet-view.ts";
import type { useHighlight } from "./use-highlight.ts";

interface FleetToolsProps {
  readonly view: FleetView;
  readonly totals: FleetTotals;
  readonly shown: number;
  /** How many there were when the view was last changed. */
  readonly found: number;
  readonly fields: readonly FleetField[];
  /** Values of a field that devices have told, to choose from. */
  readonly valuesOf: (field: string) => readonly string[];
  readonly highlight: ReturnType<typeof useHighlight>;
  readonly onChange: (change: Partial<FleetView>) => void;
}

/** What narrows and orders the list, and which columns it has. */
export function FleetTools(props: FleetToolsProps) {
  const { view, totals, shown, found, fields, valuesOf, highlight, onChange } = props;
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
    <search className="tools">
      <label className="search">
        <Icon name="search" />
        <span className="sr-only">Search devices</span>
        <input
          type="search"
          value={view.text}
          placeholder="Search name, place, state…"
          onChange={({ target }) => onChange({ text: target.value })}
        />
      </label>
      <div className="segments">
        {parts.map(([name, label, count]) => (
          <button key={name} type="button" aria-pressed={view.part === name} onClick={() => onChange({ part: name })}>
            {label} <span className="count">{count}</span>
          </button>
        ))}
      </div>
      <div className="tool-buttons">
        <button type="button" className="button" aria-expanded={isAdding} onClick={() => setAdding(!isAdding)}>
          <Icon name="filter" size={14} /> Filter
        </button>
        <button type="button" className="button" aria-haspopup="dialog" onClick={() => setChoosing(true)}>
          <Icon name="columns" size={14} /> Columns
        </button>
        <button
          type="button"
          role="switch"
          className="switch"
          aria-checked={highlight.isOn}
          disabled={highlight.isStilled}
          title={highlight.isStilled ? "Your system asks for less motion." : "Values light up when they change"}
          onClick={highlight.toggle}
        >
          <span className="switch-track" aria-hidden="true" />
          <span>
            Highlight<span className="wide-only"> updates</span>
          </span>
        </button>
      </div>
      {isAdding && (
        <ConditionForm
          fields={fields}
          valuesOf={valuesOf}
          isFull={view.conditions.length >= viewLimits.conditions}
          onAdd={(condition) => onChange({ conditions: [...view.conditions, condition] })}
        />
      )}
      <div className="chosen">
        <ul className="chosen-list" aria-label="Filters">
          {view.conditions.map((condition, at) => {
            const { label, unit } = fleetField(condition.field);
            const words = `${label} ${operatorWords[condition.operator]} ${condition.value} ${unit}`.trim();
            return (
              <li key={formatCondition(condition)} className="chosen-one" title={condition.field}>
                <span>
                  {label} <i>{operatorWords[condition.operator]}</i> <b>{condition.value || "…"}</b> {unit}
                </span>
                <button
                  type="button"
                  aria-label={`Remove filter: ${words}`}
                  onClick={() => onChange({ conditions: view.conditions.filter((_, index) => index !== at) })}
                >
                  <Icon name="close" size={11} />
                </button>
              </li>
            );
          })}
        </ul>
        <SortChoice view={view} fields={fields} onChange={onChange} />
        <p className="shown-count">{shown === devices ? "" : `${shown} of ${devices} fit`}</p>
        <p className="sr-only" role="status">
          {found} devices
        </p>
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

type SortChoiceProps = Pick<FleetToolsProps, "view" | "fields" | "onChange">;

/** The order in words; the only place to change it by touch to more than one column. */
function SortChoice({ view: { sorts }, fields, onChange }: SortChoiceProps) {
  return (
    <div className="sort-choice">
      <span className="muted">Ordered by</span>
      <ol className="chosen-list" aria-label="Order">
        {sorts.map((sort, at) => {
          const { label } = fleetField(sort.field);
          const turned = sorts.map((each, index) => (index === at ? { ...each, descending: !each.descending } : each));
          return (
            <li key={sort.field} className="chosen-one">
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
          className="then-by"
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
