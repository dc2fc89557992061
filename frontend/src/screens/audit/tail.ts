import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type UIEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { getLive } from "../../app/live";
import { problemOf } from "../../app/problem";
import { type AuditFilter, api, type EventList, keys } from "../../bridge";

/** So many events are kept in sight; older ones of a long watch are in the trail. */
const kept = 5000;
const batch = 500;

interface Tail extends EventList {
  /** How many looks in a row found nothing. */
  idle: number;
  /** The newest event of the list that it goes on after. */
  start: number;
}

/** waits is how long to wait before the next look: twice as long each time nothing came, a minute at most. */
export function waits(every: number, idle: number): number {
  return Math.min(60_000, every * 2 ** Math.min(idle, 5));
}

/**
 * useTail goes on after the filter's list with what comes, while it is on and the page is in
 * sight. Rows are put above the others only while nobody reads further down or has
 * the cursor on one; otherwise they wait.
 */
export function useTail(filter: AuditFilter, on: boolean) {
  const client = useQueryClient();
  // Of this filter: what is shown may be the list of the one before.
  const base = client.getQueryData<EventList>(keys.audit(filter));
  const key = keys.auditTail(filter);
  const q = useQuery({
    queryKey: key,
    queryFn: async (): Promise<Tail> => {
      const had = client.getQueryData<Tail>(key) ?? { ...(base as EventList), idle: 0, start: base?.events[0]?.seq ?? 0 };
      const come = await api.audit({ ...filter, after: had.next, limit: batch });
      const known = new Set(had.events.map((e) => e.id));
      const fresh = come.events.filter((e) => !known.has(e.id));
      return { ...come, events: [...fresh, ...had.events].slice(0, kept), idle: fresh.length > 0 ? 0 : had.idle + 1, start: had.start };
    },
    enabled: on && base !== undefined,
    gcTime: 0,
    refetchInterval: (query) => {
      if (getLive().paused) return false;
      return waits(getLive().every, query.state.status === "error" ? 3 : (query.state.data?.idle ?? 0));
    },
    refetchIntervalInBackground: false,
  });
  const data = on ? q.data : undefined;
  const box = useRef<HTMLDivElement>(null);
  const [upTo, setUpTo] = useState(0);
  const [added, setAdded] = useState(0);
  const [shown, setShown] = useState(0);
  const newest = data?.events[0]?.seq ?? 0;
  // Not the list's newest of now: it may be read again meanwhile.
  const from = Math.max(upTo, data?.start ?? 0);
  const waiting = on ? (data?.events.filter((e) => e.seq > from).length ?? 0) : 0;

  const accept = useCallback(() => {
    setAdded(waiting);
    setUpTo(newest);
  }, [waiting, newest]);

  useEffect(() => {
    if (waiting > 0 && !reading(box.current)) accept();
  }, [waiting, accept]);

  // The table is drawn anew at its top, without a cursor, and keeps the focus.
  useEffect(() => {
    if (shown > 0) box.current?.querySelector<HTMLElement>(".tablebox")?.focus();
  }, [shown]);

  const list = useMemo(() => (data ? { ...data, events: data.events.filter((e) => e.seq <= from) } : undefined), [data, from]);
  return {
    /** What is listed: the events without those that wait. */
    list,
    waiting,
    added: on ? added : 0,
    at: data ? q.dataUpdatedAt : 0,
    problem: on ? problemOf(q) : null,
    retry: () => void q.refetch(),
    box,
    shown,
    scrolled: (e: UIEvent<HTMLDivElement>) => {
      if (waiting > 0 && e.target instanceof Element && !reading(box.current)) accept();
    },
    show: () => {
      accept();
      setShown((n) => n + 1);
    },
  };
}

function reading(box: HTMLElement | null): boolean {
  const table = box?.querySelector(".tablebox");
  return Boolean(table && (table.scrollTop > 0 || table.querySelector('tr[data-cursor="true"]')));
}
