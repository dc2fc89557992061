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

/** isOnline reports whether the tenant writes while its rows are copied. */
export const isOnline = (m: { mode: string }): boolean => m.mode === "online";

/** verbOf words one of a move's legal actions; undefined for one that this page does not know. */
export function verbOf(verb: string, m: MoveView): Verb | undefined {
  const name = m.label || m.tenant;
  const most = millis(m.max_read_only_ms);
  switch (verb) {
    case "switch":
      return {
        button: `Switch to ${m.target}…`,
        effect: isOnline(m)
          ? `Writes of ${name} wait for its last changes, about a moment and at most ${most}; reads go on. Then it lives on ${m.target}.`
          : `Writes of ${name} wait while its rows are copied and compared, at most ${most}; reads go on. Then it lives on ${m.target}.`,
        title: `Switch ${name} to ${m.target}`,
        confirm: "Switch",
        danger: false,
        final: false,
      };
    case "resume":
      return {
        button: "Go on…",
        effect: resumed(m, name, most),
        title: `Go on with the move of ${name}`,
        confirm: "Go on",
        danger: false,
        final: false,
      };
    case "cancel":
      return {
        button: "Cancel the move…",
        effect: `${name} stays on ${m.source} and writes there. ${nothingCopied(m) ? `Nothing was copied to ${m.target} yet.` : `What was copied to ${m.target} is removed.`}`,
        title: `Cancel the move of ${name}`,
        confirm: "Cancel the move",
        danger: true,
        final: false,
      };
    case "rollback":
      return {
        button: "Move back…",
        effect: isOnline(m)
          ? `Carries every write since the switch back to ${m.source} while ${name} writes on; then its writes wait for the last ones, at most ${most}, or up to 5 min where all rows have to be compared. Nothing is lost until the move is finalized.`
          : `Brings ${name} back to ${m.source} with every write since the switch; its writes wait meanwhile, at most ${most}. Nothing is lost until the move is finalized.`,
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

/** beforeSwitch are the states in which the tenant lives on its source. */
const beforeSwitch = ["planned", "copying", "catching_up", "ready", "switching", "failed"];

function resumed(m: MoveView, name: string, most: string): string {
  if (!beforeSwitch.includes(m.state))
    return "Takes up where the move stopped. What an earlier run left is read first; nothing is done twice.";
  const then = m.hold ? "Then it waits until you switch." : `Then it switches to ${m.target}.`;
  const anew = m.rows_copied > 0 ? `What was copied to ${m.target} is removed and all rows are copied anew` : "All rows are copied";
  if (!isOnline(m)) return m.hold ? `${anew}, once you switch.` : `${anew}; writes of ${name} wait meanwhile, at most ${most}. ${then}`;
  return m.goes_on
    ? `Keeps what was copied to ${m.target} and carries over what ${name} wrote since; it writes on. ${then}`
    : `${anew}; ${name} writes on. ${then}`;
}

/** repaired says what a resume does that brings only differing rows anew. */
export function repaired(m: Pick<MoveView, "label" | "tenant" | "source" | "target" | "hold">): string {
  return `Compares every row again, brings those that differ anew from ${m.source}, compares once more and goes on; ${m.label || m.tenant} writes on. ${
    m.hold ? "Then it waits until you switch." : `Then it switches to ${m.target}.`
  }`;
}

/** nothingCopied reports whether a fenced move waits before its fence. */
function nothingCopied(m: Pick<MoveView, "mode" | "state" | "held">): boolean {
  return m.state === "ready" && m.held && !isOnline(m);
}

const fenced = ["Plan", "Check", "Copy", "Verify", "Switch", "Watch", "Finish"];
const online = ["Plan", "Check", "Copy", "Verify", "Catch up", "Switch", "Watch", "Finish"];

/** phasesOfMode are the phases of a move, in their order. */
export const phasesOfMode = (m: { mode: string }): readonly string[] => (isOnline(m) ? online : fenced);

/** reached is the phase that a move has come to, as an index of phasesOfMode. */
export function reached(m: Pick<MoveView, "mode" | "state" | "phase" | "held">): number {
  return Math.max(0, phasesOfMode(m).indexOf(at(m)));
}

function at(m: Pick<MoveView, "mode" | "state" | "phase" | "held">): string {
  switch (m.state) {
    case "finalizing":
    case "finalized":
      return "Finish";
    case "retained":
    case "rolling_back":
    case "rolled_back":
      return "Watch";
    case "cancelled": // of its copy nothing is left
      return "Copy";
    default:
      return nothingCopied(m) ? "Copy" : m.phase;
  }
}

export function isOver(state: string): boolean {
  return ["finalized", "cancelled", "rolled_back"].includes(state);
}
