import type { MoveView } from "../../bridge";
import { count, millis } from "../../ui/format";

export interface Verb {
  button: string;
  /** What it does, beside its button and in the confirmation. */
  effect: string;
  title: string;
  confirm: string;
  danger: boolean;
  /** Finalizing asks for more than a reason. */
  final: boolean;
}

/** verbOf words one of a move's legal actions; undefined for one that this page does not know. */
export function verbOf(verb: string, m: MoveView): Verb | undefined {
  const name = m.label || m.tenant;
  switch (verb) {
    case "switch":
      return {
        button: `Switch to ${m.target}…`,
        effect: `Writes of ${name} wait while its rows are copied and compared, at most ${millis(m.max_read_only_ms)}; then it lives on ${m.target}.`,
        title: `Switch ${name} to ${m.target}`,
        confirm: "Switch",
        danger: false,
        final: false,
      };
    case "resume":
      return {
        button: "Go on…",
        effect: "Takes up where the move stopped. What an earlier run left is read first; nothing is done twice.",
        title: `Go on with the move of ${name}`,
        confirm: "Go on",
        danger: false,
        final: false,
      };
    case "cancel":
      return {
        button: "Cancel the move…",
        effect: `${name} stays on ${m.source}. What was copied to ${m.target} is removed.`,
        title: `Cancel the move of ${name}`,
        confirm: "Cancel the move",
        danger: true,
        final: false,
      };
    case "rollback":
      return {
        button: "Move back…",
        effect: `Brings ${name} back to ${m.source} with every write since the switch. Nothing is lost until the move is finalized.`,
        title: `Move ${name} back to ${m.source}`,
        confirm: "Move back",
        danger: false,
        final: false,
      };
    case "finalize":
      return {
        button: "Finalize…",
        effect: `Deletes the ${count(m.rows_copied || m.rows)} rows that ${m.source} keeps. After that there is no way back: ${name} stays on ${m.target}.`,
        title: `Finalize the move of ${name}`,
        confirm: "Delete the copy",
        danger: true,
        final: true,
      };
    default:
      return undefined;
  }
}

export const phases = ["Plan", "Check", "Copy", "Verify", "Switch", "Watch", "Finish"];

/** reached is how far a move is, as an index of phases. */
export function reached(m: Pick<MoveView, "state" | "phase" | "held" | "rows" | "rows_copied">): number {
  // One that is held before its fence has copied nothing yet.
  if (m.state === "ready" && m.held && m.rows > 0 && m.rows_copied === 0) return phases.indexOf("Copy");
  if (m.state === "finalized" || m.state === "finalizing") return 6;
  if (["retained", "rolling_back", "rolled_back"].includes(m.state)) return 5;
  return Math.max(0, phases.indexOf(m.phase));
}

export function isOver(state: string): boolean {
  return ["finalized", "cancelled", "rolled_back"].includes(state);
}
