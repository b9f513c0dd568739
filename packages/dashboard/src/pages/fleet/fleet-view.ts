import { type Condition, formatCondition, isRefusal, parseCondition } from "@wattboard/protocol";
import { fleetField, usualColumns } from "./fleet-field.ts";
import { type FleetFilter, fleetParts } from "./fleet-filter.ts";
import type { Sort } from "./fleet-order.ts";

export const pageSizes = [20, 50, 100] as const;
export type PageSize = (typeof pageSizes)[number];

/** What of the fleet is shown, and how. All of it stands in the address, so that it can be shared, and survives a look at a device. */
export interface FleetView extends FleetFilter {
  readonly sorts: readonly Sort[];
  /** The field by whose values the list is divided; null: it is not. */
  readonly group: string | null;
  readonly columns: readonly string[];
  /** From 1. */
  readonly page: number;
  readonly pageSize: PageSize;
}

export const usualSorts: readonly Sort[] = [{ field: "id", descending: false }];
export const usualPageSize = 20;

/** What is above these is left out of a view, with a word about it. */
export const viewLimits = { conditions: 16, sorts: 4, columns: 24 } as const;
const nameLengthMax = 140;

const conditionPattern = /^([^:]+):([^:]+):(.*)$/s;

/** The view with these changes. Another list begins with its first page. */
export function changeView(view: FleetView, changes: Partial<FleetView>): FleetView {
  const isAnotherList = ["text", "part", "conditions", "sorts", "group"].some((key) => key in changes);
  return { ...view, ...(isAnotherList && { page: 1 }), ...changes };
}

/**
 * Reads a view from an address; `faults` says, for people, what could not be read and was left out. Where the address says nothing of the rows a
 * page, there are `pageSize`.
 */
export function parseView(
  params: URLSearchParams,
  pageSize: PageSize = usualPageSize,
): { readonly view: FleetView; readonly faults: readonly string[] } {
  const faults: string[] = [];
  const conditions: Condition[] = [];
  for (const text of [...params.getAll("where"), ...params.getAll("filter").map(olderForm)]) {
    const condition = parseCondition(text);
    if (conditions.length === viewLimits.conditions) {
      faults.push(`There are more than ${viewLimits.conditions} filters.`);
      break;
    }
    if (isRefusal(condition)) faults.push(condition.message);
    else if (condition.field.length > nameLengthMax) faults.push(`A filter names a field that no device can have.`);
    else conditions.push(condition);
  }
  const sorts = listOf(params.get("sort")).map((text) => ({
    field: text.replace(/^-/, ""),
    descending: text.startsWith("-"),
  }));
  if (sorts.length > viewLimits.sorts) faults.push(`The order has more than ${viewLimits.sorts} columns.`);
  const columns = listOf(params.get("columns"));
  if (columns.length > viewLimits.columns) faults.push(`There are more than ${viewLimits.columns} columns.`);
  const page = Number(params.get("page") ?? 1);
  const view: FleetView = {
    text: params.get("q") ?? "",
    part: fleetParts.find((known) => known === params.get("show")) ?? "all",
    conditions,
    sorts: sorts.length === 0 ? usualSorts : uniqueBy(sorts, ({ field }) => field).slice(0, viewLimits.sorts),
    group: listOf(params.get("group"))[0] ?? null,
    columns: withDevice(uniqueBy(columns, String).slice(0, viewLimits.columns)),
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
    pageSize: pageSizeOf(params.get("rows")) ?? pageSize,
  };
  return { view, faults };
}

/** The address of a view. What is as usual is not said, so the usual view has the shortest one. */
export function formatView({
  text,
  part,
  conditions,
  sorts,
  group,
  columns,
  page,
  pageSize,
}: FleetView): URLSearchParams {
  const params = new URLSearchParams();
  if (text !== "") params.set("q", text);
  if (part !== "all") params.set("show", part);
  for (const condition of conditions) params.append("where", formatCondition(condition));
  const sort = formatSorts(sorts);
  if (sort !== "" && sort !== formatSorts(usualSorts)) params.set("sort", sort);
  if (group !== null) params.set("group", group);
  if (columns.join() !== usualColumns.join()) params.set("columns", columns.join());
  if (pageSize !== usualPageSize) params.set("rows", String(pageSize));
  if (page !== 1) params.set("page", String(page));
  return params;
}

export function pageSizeOf(text: string | null): PageSize | undefined {
  return pageSizes.find((size) => String(size) === text);
}

function formatSorts(sorts: readonly Sort[]): string {
  return sorts.map(({ field, descending }) => (descending ? `-${field}` : field)).join();
}

/** A filter as addresses of before have it, NAME:OPERATOR:VALUE with the operators of SMART-OS, in the words of now. */
function olderForm(text: string): string {
  const [, field = "", operator = "", value = ""] = conditionPattern.exec(text) ?? [];
  const now = ({ "=": "~", "==": "=" } as Readonly<Record<string, string>>)[operator] ?? operator;
  return field === "" ? text : `${field} ${now} "${value}"`;
}

function listOf(text: string | null): string[] {
  return (text ?? "").split(",").filter((name) => name !== "" && name.length <= nameLengthMax);
}

/** Without the device's own column a row could not be told from another. */
function withDevice(columns: readonly string[]): readonly string[] {
  if (columns.length === 0) return usualColumns;
  return ["id", ...columns.filter((name) => name !== "id")];
}

function uniqueBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.toReversed().map((item) => [keyOf(item), item])).values()].toReversed();
}

/** What a click on the head of a column makes of the order: the direction to begin with, the other one, and then none. `adds` keeps the other columns. */
export function turnSort(sorts: readonly Sort[], field: string, adds: boolean): readonly Sort[] {
  const present = sorts.find((sort) => sort.field === field);
  const begins = startsDescending(field);
  const turned =
    present?.descending === !begins ? [] : [{ field, descending: present === undefined ? begins : !begins }];
  if (!adds) return turned;
  if (present === undefined) return [...sorts, ...turned].slice(-viewLimits.sorts);
  return sorts.flatMap((sort) => (sort === present ? turned : [sort]));
}

/** The order that a first click on a column gives: quantities largest first, since that is what one looks for; ages youngest first. */
export function startsDescending(field: string): boolean {
  return field !== "age" && fleetField(field).kind === "number";
}
