import type { AuditFilter } from "../../bridge";

const all = [
  { value: "pdf", label: "PDF" },
  { value: "html", label: "HTML, one file" },
  { value: "xlsx", label: "Excel workbook" },
  { value: "csv", label: "CSV" },
  { value: "jsonl", label: "JSON lines" },
  { value: "ocsf", label: "OCSF, for a SIEM" },
];

/** formats are those in which a kind of report can be written: OCSF describes events, and moves are none. */
export function formats(kind: string) {
  return kind === "moves" ? all.filter((f) => f.value !== "ocsf") : all;
}

/** provable tells a file that can hold a line for each event that was left out. */
export function provable(kind: string, format: string): boolean {
  return format === "jsonl" && kind !== "moves";
}

/** missing says what a report still needs, "" where it has all. */
export function missing(needs: string, f: Pick<AuditFilter, "tenant" | "actor">): string {
  if (needs === "tenant" && f.tenant.trim() === "") return "Name the tenant.";
  if (needs === "actor" && f.actor.trim() === "") return "Name the operator.";
  return "";
}
