import { useQuery } from "@tanstack/react-query";
import { often } from "../../app/live";
import { api, keys } from "../../bridge";

export function useHealth() {
  return useQuery({ queryKey: keys.health(""), queryFn: () => api.health(""), refetchInterval: often(6) });
}

export function useDistribution() {
  return useQuery({ queryKey: keys.distribution, queryFn: () => api.distribution(), refetchInterval: often(6) });
}

export function useRecent() {
  return useQuery({ queryKey: keys.recent, queryFn: () => api.recent(), refetchInterval: often(2) });
}
