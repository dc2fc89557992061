import { useQuery } from "@tanstack/react-query";
import { often } from "../../app/live";
import { anyTenant, api, keys } from "../../bridge";

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
