import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { anyTenant, api, keys, type MoveRequest, type TenantFilter } from "../../bridge";

/** useTenant is the tenant to move; nothing is asked while none is chosen. */
export function useTenant(id: string | undefined) {
  return useQuery({ queryKey: keys.tenant(id ?? ""), queryFn: () => api.tenant(id ?? ""), enabled: Boolean(id) });
}

export function useFound(search: string, enabled: boolean) {
  const f: TenantFilter = { ...anyTenant, search, sort: "label", limit: 12 };
  return useQuery({ queryKey: keys.tenants(f), queryFn: () => api.tenants(f), enabled });
}

export function usePlan() {
  return useMutation({ mutationFn: (r: MoveRequest) => api.planMove(r) });
}

export function useStart() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (r: MoveRequest) => api.startMove(r),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.fleet }),
  });
}
