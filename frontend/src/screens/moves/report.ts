import type { MoveReport } from "../../bridge";
import { absolute } from "../../ui/clock";
import { bytes, count, millis, ofPlan, plural } from "../../ui/format";
import { moveStatus } from "../../ui/Status";

/** reportOf writes the report that the program has made of a settled move as plain text, for a ticket. */
export function reportOf(r: MoveReport): string {
  const m = r.move;
  const time = (at: string | null | undefined) => (at ? absolute(at, true) : "—");
  const waited = typeof m.write_pause_ms === "number" ? `waited ${millis(m.write_pause_ms)}` : "the tenant was not switched";
  const lines = [
    `Move of ${m.label || m.tenant} (${m.tenant}) from ${m.source} to ${m.target}`,
    "",
    `State      ${moveStatus(m)[1]}`,
    `Fleet      ${r.fleet}, ${r.environment}`,
    `Move       ${m.id}`,
    `Mode       ${m.mode}${r.mode_reason ? `, ${r.mode_reason}` : ""}`,
    `By         ${m.created_by}: ${m.note}`,
    `Filed      ${time(m.created_at)}`,
    `Started    ${time(m.started_at)}`,
    `Switched   ${time(m.switched_at)}`,
    `Finished   ${time(m.finished_at)}`,
    `Rows       ${ofPlan(m.rows_copied, m.rows, "row")}, ${bytes(m.bytes_copied)}`,
    `Compared   ${m.verified ? `every row, ${time(m.verified_at)}` : "not yet"}`,
    `Writes     ${waited}; at most ${millis(m.max_read_only_ms)} were allowed`,
    `Made       ${time(r.made_at)}`,
    "",
    `The tenant: ${r.safe}.`,
  ];
  if (m.error) lines.push(`Problem: ${m.error.code}: ${m.error.message}`);
  list(
    "Phases",
    r.phases.map((p) => [p.phase, time(p.began_at), typeof p.duration_ms === "number" ? millis(p.duration_ms) : p.duration_ms_reason]),
  );
  list(
    "Checks",
    m.checks.map((c) => [c.status, `${c.name}: ${c.message}`]),
  );
  list(
    "Tables",
    r.tables
      .filter((t) => t.rows > 0 || t.rows_copied > 0 || (t.digest?.rows ?? 0) > 0)
      .map((t) => [
        t.table,
        ofPlan(t.rows_copied, t.rows, "row"),
        bytes(t.bytes_copied),
        t.digest ? `digest ${t.digest.sha256.slice(0, 16)}` : t.digest_reason,
      ]),
  );
  list(
    "Decided",
    r.decisions.map((d) => [d.table, d.key, d.case.replaceAll("_", " "), d.choice || "none yet"]),
  );
  list(
    `Shared copies on ${m.target}`,
    r.shared_copies.map((x) => [x.table, x.key]),
  );
  list(
    `Kept on ${m.source} for others`,
    r.kept_on_source.map((x) => [x.table, x.key]),
  );
  list(
    "Writes of the tenant that were refused",
    r.refused_writes.map((x) => [x.shard, typeof x.count === "number" ? count(x.count) : `unknown: ${x.count_reason}`]),
  );
  const chain = r.chain_ok ? "every hash of the trail was computed anew and is right" : `NOT PROVEN: ${r.chain_reason}`;
  list(
    `Audit trail, ${plural(r.events.length, "event")}; ${chain}`,
    r.events.map((e) => [time(e.at), `number ${count(e.seq)}`, `${e.action} ${e.status}`, `${e.actor}: ${e.note || "—"}`, e.hash]),
  );
  list(
    "Log",
    m.log.map((l) => [time(l.at), `${l.level === "info" ? "" : `${l.level}: `}${l.message}`]),
  );
  list(
    "Next",
    m.next.map((line) => [line]),
  );
  return `${lines.join("\n")}\n`;

  /** list adds rows under a title, in columns; nothing where there are none. */
  function list(title: string, rows: string[][]): void {
    if (rows.length === 0) return;
    const wide = rows.reduce<number[]>((w, row) => row.map((cell, i) => Math.max(w[i] ?? 0, cell.length)), []);
    lines.push(
      "",
      title,
      ...rows.map((row) => `  ${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(wide[i] ?? 0))).join("  ")}`),
    );
  }
}
