import type { MoveView } from "../../bridge";
import { bytes, count, millis, percent, plural } from "../../ui/format";
import { rowsOf } from "./measured";
import { isOnline, isOver, phasesOfMode, reached } from "./verbs";

export type Is = "done" | "now" | "ahead" | "bad";

export interface Phase {
  name: string;
  is: Is;
  /** What is known of it, in a few words. */
  says: string;
  /** How much of it is done, 0 to 1. */
  share: number;
}

/** phasesOf says of each phase whether it is done and what came of it. */
export function phasesOf(m: MoveView): Phase[] {
  const at = reached(m);
  const over = isOver(m.state);
  const bad = m.state === "failed" || Boolean(m.error && m.settled && !over);
  return phasesOfMode(m).map((name, i) => {
    const is: Is = i < at || (i === at && ended(m.state)) ? "done" : i > at ? "ahead" : bad ? "bad" : over ? "ahead" : "now";
    return { name, is, says: says(m, name, is, over), share: is === "ahead" ? 0 : is === "now" ? share(m, name) : 1 };
  });
}

/** ended reports whether the last phase that a move came to is behind it. */
function ended(state: string): boolean {
  return state === "finalized" || state === "rolled_back";
}

function share(m: MoveView, phase: string): number {
  if (phase === "Copy" && m.rows > 0) return Math.min(1, m.rows_copied / m.rows);
  if (phase === "Verify" && m.tables.length > 0) return m.tables.filter((t) => t.verified).length / m.tables.length;
  return 1;
}

function says(m: MoveView, phase: string, is: Is, over: boolean): string {
  if (is === "ahead") return over ? "not done" : "to come";
  if (is === "bad") return "stopped";
  if (is === "now") {
    if (m.held && m.state === "ready") return "waits for you";
    // Copying makes way for others, comparing does, and so does the look at the source after the switch.
    const slowly = m.slowed ? `; ${m.slowed}` : "";
    switch (phase) {
      case "Copy":
        return (m.rows > 0 ? `${percent(Math.min(1, m.rows_copied / m.rows))} of the rows` : "no rows") + slowly;
      case "Verify":
        return `${m.tables.filter((t) => t.verified).length} of ${m.tables.length} tables${slowly}`;
      case "Catch up":
        return (m.owner ? "carrying writes" : "nobody carries") + (m.behind ? `; ${rowsOf(m.behind)} rows behind` : "");
      case "Switch":
        return m.read_only_since
          ? "writes wait"
          : m.state === "switched"
            ? `writes go on${slowly}`
            : isOnline(m)
              ? "last changes"
              : "about to";
      case "Watch":
        return m.state === "rolling_back" ? "moving back" : "can move back";
      case "Finish":
        return "deleting the copy";
      default:
        return m.step.replaceAll("_", " ") || "running";
    }
  }
  switch (phase) {
    case "Plan":
      return bytes(m.bytes);
    case "Check":
      return m.checks.length > 0 ? plural(m.checks.length, "check") : "done";
    case "Copy":
      return `${count(m.rows_copied)} rows`;
    case "Verify":
      return m.verified ? "every row is equal" : "done";
    case "Catch up":
      return "the target follows";
    case "Switch":
      return m.write_pause_ms === null || m.write_pause_ms === undefined ? "done" : `writes waited ${millis(m.write_pause_ms)}`;
    case "Watch":
      return m.state === "rolled_back" ? "moved back" : "done";
    default:
      return "done";
  }
}
