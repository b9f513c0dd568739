import type { AlarmKind } from "@wattboard/protocol";
import { describeErrorFlag } from "@wattboard/protocol/constants";
import type { AlarmMember, AlarmRecord, Cause } from "./alarm-record.ts";
import { describeShared } from "./shared-cause.ts";

interface Words {
  one(name: string, first: AlarmMember | undefined, rule: string): string;
  many(count: number, rule: string): string;
}

const ofRule: Words = {
  one: (name, _, rule) => `${rule}: ${name}`,
  many: (count, rule) => `${rule}: ${count} devices`,
};

const words: Partial<Record<AlarmKind, Words>> = {
  no_data: { one: (name) => `${name} sends nothing`, many: (count) => `${count} devices send nothing` },
  error_flag: {
    one: (name, first) => `${name}: ${flagsOf(first).map(describeErrorFlag).join(" ")}`,
    many: (count) => `${count} devices report error flags`,
  },
  clock_off: {
    one: (name) => `The clock of ${name} is wrong`,
    many: (count) => `The clocks of ${count} devices are wrong`,
  },
  contested: {
    one: (name) => `Two devices share the token of ${name}`,
    many: (count) => `The tokens of ${count} devices are used twice`,
  },
  values_left_out: {
    one: (name) => `Values of ${name} are left out`,
    many: (count) => `Values of ${count} devices are left out`,
  },
  claim_contested: {
    one: (name) => `The claim of ${name} is fought over`,
    many: (count) => `The claims of ${count} devices are fought over`,
  },
};

/** An alarm in words, for who sees so many of its devices; with what they share where that is given. */
export function titleOf(
  { kind, name, words: told, subject }: AlarmRecord,
  count: number,
  first: AlarmMember | undefined,
  cause: Cause | null,
): string {
  if (subject !== null) return told;
  const { one, many } = words[kind] ?? ofRule;
  if (count <= 1) return one(first?.name ?? "A device", first, name);
  return many(count, name) + (cause === null ? "" : describeShared(cause));
}

function flagsOf(member: AlarmMember | undefined): readonly string[] {
  const flags = member?.evidence["system_status.error_flags"];
  return Array.isArray(flags) ? flags : ["It reports an error."];
}
