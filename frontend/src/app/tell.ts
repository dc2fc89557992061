import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { keys, type MoveList, type MoveView, on, sendNotice, setTitle } from "../bridge";
import { good } from "../ui/Good";

/** waits reports whether nothing goes on with a move until a person acts; one that lives on its target and may go back does not count. */
export function waits(m: Pick<MoveView, "settled" | "state" | "held" | "error">): boolean {
  return m.settled && (m.state === "failed" || (m.state === "ready" && m.held) || (Boolean(m.error) && !over(m.state)));
}

function over(state: string): boolean {
  return ["finalized", "cancelled", "rolled_back", "retained"].includes(state);
}

export interface News {
  title: string;
  body: string;
  good: boolean;
}

/** newsOf says what became of a move that was under way, null while it goes on or where nobody saw it under way. */
export function newsOf(before: Pick<MoveView, "settled"> | undefined, m: MoveView): News | null {
  if (!before || before.settled || !m.settled) return null;
  const name = m.label || m.tenant;
  if (waits(m))
    return {
      title: m.state === "ready" ? `${name} waits for the switch to ${m.target}` : `The move of ${name} needs you`,
      body:
        m.error?.message ??
        `${m.mode === "online" ? `${m.target} follows ${m.source}` : "Nothing is copied yet"}; writes of ${name} go on until somebody switches.`,
      good: false,
    };
  switch (m.state) {
    case "retained":
      return { title: `${name} lives on ${m.target}`, body: `${m.source} keeps its copy until you finalize.`, good: true };
    case "finalized":
      return { title: `The move of ${name} is finished`, body: `${m.source} no longer holds its rows.`, good: true };
    case "rolled_back":
      return { title: `${name} is back on ${m.source}`, body: "Every write since the switch came back with it.", good: true };
    case "cancelled":
      return { title: `The move of ${name} is cancelled`, body: `It stays on ${m.source}.`, good: true };
    default:
      return null;
  }
}

/** useTell tells people who do not watch: a notice of the system, and good news on the page. */
export function useTell(open: (id: string) => void): void {
  const client = useQueryClient();
  useEffect(() => {
    const seen = new Map<string, { settled: boolean }>();
    return on("move", (m) => {
      const lists = client.getQueriesData<MoveList>({ queryKey: keys.moves("").slice(0, 2) });
      const before = seen.get(m.id) ?? lists.flatMap(([, l]) => l?.moves ?? []).find((x) => x.id === m.id);
      seen.set(m.id, { settled: m.settled });
      const news = newsOf(before, m);
      if (!news) return;
      if (news.good) good(news.title);
      // Who looks at the page sees it there.
      if (document.hidden || !document.hasFocus()) void sendNotice(`move ${m.id}`, news.title, news.body, () => open(m.id));
    });
  }, [client, open]);
}

/** titleOf is the window's title: what waits, what runs and how far it is, then where one is. */
export function titleOf(moves: MoveView[], place: string): string {
  const running = moves.filter((m) => !m.settled);
  const waiting = moves.filter(waits).length;
  const one = running.length === 1 ? running[0] : undefined;
  const share = one && one.rows > 0 && one.rows_copied > 0 ? `${Math.min(100, Math.floor((one.rows_copied / one.rows) * 100))} % ` : "";
  const parts = [
    one ? `${share}${one.label || one.tenant} → ${one.target}` : running.length > 1 ? `${running.length} moves` : "",
    place,
    "Shard Admin",
  ];
  return `${waiting > 0 ? `(${waiting}) ` : ""}${parts.filter(Boolean).join(" · ")}`;
}

/** useTitle keeps the window's title. */
export function useTitle(moves: MoveView[], place: string): void {
  const title = titleOf(moves, place);
  useEffect(() => setTitle(title), [title]);
}
