import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { often } from "../../app/live";
import { type AssignRequest, api, keys } from "../../bridge";

/** useFound is the tenant at once; useTenant counts its rows in every table, which takes a while where there are many. */
export function useFound(id: string) {
  return useQuery({ queryKey: keys.found(id), queryFn: () => api.findTenant(id), refetchInterval: often(2) });
}

export function useTenant(id: string) {
  return useQuery({ queryKey: keys.tenant(id), queryFn: () => api.tenant(id), refetchInterval: often(24), staleTime: 30_000 });
}

export function useAssign() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (request: AssignRequest) => api.assign(request),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.fleet }),
  });
}
