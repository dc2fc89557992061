import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, type Info, keys, type MoveList, type MoveView, on, type Status } from "../bridge";
import { often } from "./live";

/** useInfo is who works here, on which fleet, with which version. */
export function useInfo() {
  return useQuery({ queryKey: keys.info, queryFn: () => api.info(), refetchInterval: often(6) });
}

export function currentFleet(info: Info | undefined): Info["fleets"][number] | undefined {
  return info?.fleets.find((f) => f.current);
}

/** useEnvironment is the kind of the current fleet; a fleet that is not known to be harmless counts as production. */
export function useEnvironment(): string {
  const { data } = useInfo();
  return currentFleet(data)?.environment || "production";
}

/** useOpenFleet makes another fleet the current one; what was shown of the old one goes. */
export function useOpenFleet() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => api.openFleet(name),
    onSuccess: (next) => {
      client.setQueryData(keys.info, next);
      void client.resetQueries({ queryKey: keys.fleet });
    },
  });
}

export function useFleetName(): string {
  return currentFleet(useInfo().data)?.name ?? "";
}

/** useStatus is the fleet at a glance; the shell and many screens show parts of it. */
export function useStatus() {
  return useQuery<Status>({ queryKey: keys.status, queryFn: () => api.status(), refetchInterval: often() });
}

/** useFiring counts the alerts that nobody has taken; 0 where that is not known. */
export function useFiring(): number {
  const q = useQuery({ queryKey: keys.alerts(false), queryFn: () => api.alerts(false), refetchInterval: often(2), retry: false });
  return q.data?.firing ?? 0;
}

/** useAlarms are the disagreements of the trail with this computer's copy of it; no database is asked. */
export function useAlarms() {
  return useQuery({ queryKey: keys.auditAlarms, queryFn: () => api.auditAlarms(), refetchInterval: often(), retry: false });
}

/** useOpenMoves are the newest moves; those that run show in the top bar. */
export function useMoves(tenant = "") {
  return useQuery<MoveList>({ queryKey: keys.moves(tenant), queryFn: () => api.moves(tenant, 200), refetchInterval: often() });
}

function merge(old: MoveView | undefined, news: MoveView): MoveView {
  if (!old) return news;
  // An event leaves out what would make it big: what was known stays.
  return {
    ...news,
    tables: news.tables.length > 0 ? news.tables : old.tables,
    log: news.log.length > 0 && news.log.length >= old.log.length ? news.log : joinLogs(old.log, news.log),
    checks: news.checks.length > 0 ? news.checks : old.checks,
  };
}

function joinLogs(old: MoveView["log"], news: MoveView["log"]): MoveView["log"] {
  const seen = new Set(old.map((l) => `${l.at} ${l.message}`));
  return [...old, ...news.filter((l) => !seen.has(`${l.at} ${l.message}`))];
}

/** useEvents puts what the program pushes into what the screens show. */
export function useEvents(): void {
  const client = useQueryClient();
  useEffect(() => {
    const stops = [
      on("move", (m) => {
        client.setQueryData<MoveView>(keys.move(m.id), (old) => (old ? merge(old, m) : old));
        const slim = { ...m, tables: [], log: [], checks: [] };
        const lists = client.getQueriesData<MoveList>({ queryKey: ["fleet", "moves"] });
        for (const [key, list] of lists) {
          if (!list) continue;
          if (list.moves.some((x) => x.id === m.id)) {
            client.setQueryData<MoveList>(key, { ...list, moves: list.moves.map((x) => (x.id === m.id ? slim : x)) });
          } else void client.invalidateQueries({ queryKey: key });
        }
        if (m.settled) {
          void client.invalidateQueries({ queryKey: keys.status });
          void client.invalidateQueries({ queryKey: ["fleet", "tenants"] });
          void client.invalidateQueries({ queryKey: ["fleet", "tenant"] });
          void client.invalidateQueries({ queryKey: keys.recent });
          // A move that failed has stopped its plan: the screen that shows one shows the next.
          void client.invalidateQueries({ queryKey: keys.rebalance });
        }
      }),
      on("demo", (d) => {
        client.setQueryData(keys.demo, d);
        if (d.running && !d.starting) void client.invalidateQueries();
      }),
      on("awake", () => void client.invalidateQueries()),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [client]);
}
