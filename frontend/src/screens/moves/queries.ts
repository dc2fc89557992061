import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { getLive } from "../../app/live";
import { api, keys, type MoveAction, type MoveView, type QueueRequest } from "../../bridge";
import { noted, type Sample } from "./rate";

export function useMove(id: string) {
  return useQuery({
    queryKey: keys.move(id),
    queryFn: () => api.move(id),
    // A running move is what people watch: it is read every second.
    refetchInterval: (q) => (getLive().paused ? false : q.state.data && !q.state.data.settled ? 1000 : getLive().every),
  });
}

export function useAct(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ verb, action }: { verb: string; action: MoveAction }) => api.actOnMove(verb, action),
    onSuccess: (m) => client.setQueryData<MoveView>(keys.move(id), m),
    onSettled: () => client.invalidateQueries({ queryKey: keys.fleet }),
  });
}

/** useQueueChange pauses the queue or goes on with it. */
export function useQueueChange() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ pause, request }: { pause: boolean; request: QueueRequest }) =>
      pause ? api.pauseQueue(request) : api.resumeQueue(request),
    onSettled: () => client.invalidateQueries({ queryKey: keys.fleet }),
  });
}

/** useSamples notes how many rows were copied, each time that the page hears of it. */
export function useSamples(m: MoveView): readonly Sample[] {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const copying = m.state === "copying" && !m.settled;
  const rows = m.rows_copied;
  useEffect(() => {
    if (copying) setSamples((old) => noted(old, { at: Date.now(), rows }));
  }, [rows, copying]);
  return samples;
}

/** useReentry is how a finalize in production is confirmed beside the tenant's name. */
export function useReentry(on: boolean) {
  return useQuery({ queryKey: keys.reentry, queryFn: () => api.reentry(), enabled: on, retry: false });
}
