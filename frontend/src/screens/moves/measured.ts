import type { MoveBehind, MoveTable, MoveView, TimeRange } from "../../bridge";
import { bytes, count, millis, plural } from "../../ui/format";
import { isOnline } from "./verbs";

/** rangeOf says a time between two bounds. */
export function rangeOf({ low, high }: TimeRange): string {
  const from = millis(low);
  const to = millis(high);
  return from === to ? `about ${from}` : `${from} to ${to}`;
}

/** leftOf says how long it takes, or why that is not known. */
export function leftOf(m: MoveView): string {
  return m.time_left_ms ? `${rangeOf(m.time_left_ms)} left` : `time left unknown: ${m.time_left_reason}`;
}

/** paceOf is how fast rows are copied, null where that was not measured. */
export function paceOf(of: Pick<MoveTable, "rows_per_s" | "bytes_per_s">): string | null {
  if (typeof of.rows_per_s !== "number" || typeof of.bytes_per_s !== "number") return null;
  return `${count(of.rows_per_s)} rows/s, ${bytes(of.bytes_per_s)}/s`;
}

/** carries reports whether what the tenant writes is noted for the other side; a failed move that keeps its copy goes on from that. */
export function carries(m: MoveView): boolean {
  return isOnline(m) && (["catching_up", "ready", "switching", "rolling_back"].includes(m.state) || (m.state === "failed" && m.goes_on));
}

/** rowsOf is the number of rows that are behind; there may be more than were counted. */
export function rowsOf(b: MoveBehind): string {
  return `${b.at_least ? "≥ " : ""}${count(b.rows)}`;
}

/** oldestOf says how old the oldest of them is, as far as that is known. */
export function oldestOf(b: MoveBehind): string {
  if (b.rows === 0) return "";
  if (typeof b.oldest_ms !== "number") return `age unknown: ${b.oldest_ms_reason}`;
  return b.oldest_at_most ? `none older than ${millis(b.oldest_ms)}` : `the oldest is ${millis(b.oldest_ms)} old`;
}

/** carriedBack says what a rollback of a retained move would carry back, or why that is not known. */
export function carriedBack(m: MoveView): string {
  const b = m.behind;
  if (!b) return `How many rows a rollback would carry back is not known: ${m.behind_reason}.`;
  const rows = `${b.at_least ? "at least " : ""}${plural(b.rows, "row")}`;
  const old = oldestOf(b);
  return b.rows === 0 ? "A rollback would carry no rows back." : `A rollback would carry ${rows} back${old ? `; ${old}` : ""}.`;
}
