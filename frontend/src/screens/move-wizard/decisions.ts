import type { Check, Decision } from "../../bridge";

/** keyOf tells one decision of a plan from the others. */
export const keyOf = (d: Pick<Decision, "case" | "table" | "key">): string => `${d.case}\n${d.table}\n${d.key}`;

/** chosen is what a person has chosen here, else what the plan had already. */
export function chosen(d: Decision, choices: Record<string, string>): string {
  return choices[keyOf(d)] ?? d.choice;
}

/** open is how many are not yet made. */
export function open(list: Decision[], choices: Record<string, string>): number {
  return list.filter((d) => chosen(d, choices) === "").length;
}

/** decided are the decisions as a request has them: only those that are made. */
export function decided(list: Decision[], choices: Record<string, string>): Decision[] {
  return list.flatMap((d) => {
    const choice = chosen(d, choices);
    return choice === "" ? [] : [{ ...d, choice }];
  });
}

const rank: Record<string, number> = { blocker: 0, warning: 1 };

/** ordered puts what stands in the way first and keeps the rest as it was. */
export function ordered(checks: Check[]): Check[] {
  return [...checks].sort((a, b) => (rank[a.status] ?? 2) - (rank[b.status] ?? 2));
}
