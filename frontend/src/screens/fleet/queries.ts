import { useQuery } from "@tanstack/react-query";
import { often } from "../../app/live";
import { api, type HistoryRequest, keys } from "../../bridge";

export function useHealth() {
  return useQuery({ queryKey: keys.health(""), queryFn: () => api.health(""), refetchInterval: often(6) });
}

export function useDistribution() {
  return useQuery({ queryKey: keys.distribution, queryFn: () => api.distribution(), refetchInterval: often(6) });
}

export function useRecent() {
  return useQuery({ queryKey: keys.recent, queryFn: () => api.recent(), refetchInterval: often(2) });
}

/** A day of what is drawn beside each shard. */
const day: HistoryRequest = {
  shard: "",
  metrics: ["latency_ms", "connections", "size_bytes"],
  since: "24h",
  until: "",
  points: 120,
  marks: false,
};

export function useDay() {
  return useQuery({ queryKey: keys.history(day), queryFn: () => api.history(day), refetchInterval: often(12) });
}

export function useComparison() {
  return useQuery({ queryKey: keys.comparison, queryFn: () => api.compare(), refetchInterval: often(12) });
}
