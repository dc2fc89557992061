import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { getLive } from "../../app/live";
import { api, keys, type MoveAction, type MoveView } from "../../bridge";

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

/** useRate is rows a second over the last five seconds, null while nothing is copied. */
export function useRate(m: MoveView | undefined): number | null {
  const seen = useRef<{ at: number; rows: number }[]>([]);
  const [rate, setRate] = useState<number | null>(null);
  const rows = m?.rows_copied ?? 0;
  const copying = m?.state === "copying" && !m.settled;
  useEffect(() => {
    if (!copying) {
      seen.current = [];
      setRate(null);
      return;
    }
    const now = Date.now();
    seen.current = [...seen.current.filter((x) => now - x.at < 5000), { at: now, rows }];
    const first = seen.current[0];
    if (first && now - first.at > 500) setRate(Math.max(0, Math.round(((rows - first.rows) * 1000) / (now - first.at))));
  }, [rows, copying]);
  return rate;
}
