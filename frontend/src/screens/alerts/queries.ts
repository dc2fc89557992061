import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { often } from "../../app/live";
import { api, keys, type SilenceRequest } from "../../bridge";

export function useAlerts(all: boolean) {
  return useQuery({ queryKey: keys.alerts(all), queryFn: () => api.alerts(all), refetchInterval: often(2) });
}

/** A change of alerts, after which they are read anew. */
function useChange<T>(change: (r: T) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({ mutationFn: change, onSettled: () => client.invalidateQueries({ queryKey: keys.allAlerts }) });
}

export function useAcknowledge() {
  return useChange((r: { id: number; note: string }) => api.ackAlert(r.id, r.note));
}

export function useSilence() {
  return useChange((r: SilenceRequest) => api.silence(r));
}

export function useUnsilence() {
  return useChange((r: { id: number; note: string }) => api.unsilence(r.id, r.note));
}

export function useTestChannel() {
  return useChange((name: string) => api.testChannel(name));
}
