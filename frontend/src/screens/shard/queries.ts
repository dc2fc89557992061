import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { often } from "../../app/live";
import { anyTenant, api, type EndRequest, type HistoryRequest, keys } from "../../bridge";

export function useShardHealth(name: string, on: boolean) {
  return useQuery({ queryKey: keys.health(name), queryFn: () => api.health(name), refetchInterval: often(2), enabled: on });
}

export function useShardStats(name: string, on: boolean) {
  return useQuery({ queryKey: keys.stats(name), queryFn: () => api.stats(name), refetchInterval: often(12), enabled: on });
}

export function useLargest(shard: string) {
  const filter = { ...anyTenant, shard, sort: "-size", full: true, limit: 8 };
  return useQuery({ queryKey: keys.tenants(filter), queryFn: () => api.tenants(filter), refetchInterval: often(12) });
}

export function useShardViews(name: string, on: boolean) {
  return useQuery({ queryKey: keys.views(name), queryFn: () => api.views(name), refetchInterval: often(2), enabled: on });
}

/** useSessions is who is connected to a shard, read once for each time that somebody asks. */
export function useSessions(shard: string, at: number) {
  return useQuery({
    queryKey: keys.sessions(shard, at),
    queryFn: () => api.sessions(shard),
    enabled: at > 0,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
}

/** useEndSession cancels what a session runs, or ends it. */
export function useEndSession() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ cancel, ...r }: EndRequest & { cancel: boolean }) => (cancel ? api.cancelSession(r) : api.endSession(r)),
    onSettled: () => client.invalidateQueries({ queryKey: keys.fleet }),
  });
}

/** useShardHistory asks for a short time more often: of a long one a minute more says nothing. */
export function useShardHistory(shard: string, since: string) {
  const r: HistoryRequest = { shard, metrics: [], since, until: "", points: 0, marks: true };
  return useQuery({ queryKey: keys.history(r), queryFn: () => api.history(r), refetchInterval: often(since === "1h" ? 4 : 24) });
}

/** useShardSize is how a shard's size went in three months: what growth is made of. */
export function useShardSize(shard: string) {
  const r: HistoryRequest = { shard, metrics: ["size_bytes"], since: "90d", until: "", points: 0, marks: true };
  return useQuery({ queryKey: keys.history(r), queryFn: () => api.history(r), refetchInterval: often(24) });
}
