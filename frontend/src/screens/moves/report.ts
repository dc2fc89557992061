import type { MoveView } from "../../bridge";
import { absolute } from "../../ui/clock";
import { bytes, millis, ofPlan } from "../../ui/format";
import { moveStatus } from "../../ui/Status";

/** reportOf is a move as plain text, for a ticket: who, when, what, how it ended. */
export function reportOf(m: MoveView): string {
  const time = (at: string | null | undefined) => (at ? absolute(at, true) : "—");
  const lines = [
    `Move of ${m.label || m.tenant} (${m.tenant}) from ${m.source} to ${m.target}`,
    "",
    `State      ${moveStatus(m)[1]}`,
    `Move       ${m.id}, ${m.mode}`,
    `By         ${m.created_by}: ${m.note}`,
    `Filed      ${time(m.created_at)}`,
    `Started    ${time(m.started_at)}`,
    `Switched   ${time(m.switched_at)}`,
    `Finished   ${time(m.finished_at)}`,
    `Rows       ${ofPlan(m.rows_copied, m.rows, "row")}, ${bytes(m.bytes_copied)}`,
    `Compared   ${m.verified ? `every row, ${time(m.verified_at)}` : "not yet"}`,
    `Writes     ${m.write_pause_ms === null || m.write_pause_ms === undefined ? "did not wait" : `waited ${millis(m.write_pause_ms)}`}, at most ${millis(m.max_read_only_ms)} were allowed`,
  ];
  if (m.error) lines.push(`Problem    ${m.error.code}: ${m.error.message}`);
  if (m.checks.length > 0) lines.push("", "Checks", ...m.checks.map((c) => `  ${c.status.padEnd(8)} ${c.name}: ${c.message}`));
  const used = m.tables.filter((t) => t.rows > 0 || t.rows_copied > 0);
  if (used.length > 0) {
    const wide = Math.max(...used.map((t) => t.table.length));
    lines.push(
      "",
      "Tables",
      ...used.map((t) => `  ${t.table.padEnd(wide)}  ${ofPlan(t.rows_copied, t.rows, "row")}${t.verified ? ", equal" : ""}`),
    );
  }
  if (m.log.length > 0) lines.push("", "Log", ...m.log.map((l) => `  ${time(l.at)}  ${l.message}`));
  return `${lines.join("\n")}\n`;
}
