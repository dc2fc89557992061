import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { often } from "../../app/live";
import { type AssignRequest, api, keys } from "../../bridge";

export function useTenant(id: string) {
  return useQuery({ queryKey: keys.tenant(id), queryFn: () => api.tenant(id), refetchInterval: often(6) });
}

export function useAssign() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: AssignRequest) => api.assign(request),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.fleet }),
  });
}
