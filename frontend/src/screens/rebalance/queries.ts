import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, keys, type RebalanceApply } from "../../bridge";

/** A plan is made when somebody looks and when moves have changed, not every few seconds: it is to be read. */
export function useRebalance(by: string) {
  return useQuery({
    queryKey: [...keys.rebalance, by],
    queryFn: () => api.rebalance({ by: by ? [by] : [], max_moves: 0, max_bytes: 0 }),
  });
}

export function usePolicy() {
  return useQuery({ queryKey: keys.policy, queryFn: () => api.policy() });
}

export function useApply() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (r: RebalanceApply) => api.applyRebalance(r),
    onSettled: () => client.invalidateQueries({ queryKey: keys.fleet }),
  });
}
