import { keepPreviousData, useMutation, useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { often } from "../../app/live";
import { api, keys, type TenantFilter, type TenantRow } from "../../bridge";

/** How many tenants are asked for at once. */
export const page = 200;

/** useTenants asks for the pages in sight; the rest of the list is undefined until it comes into sight. */
export function useTenants(filter: Pick<TenantFilter, "shard" | "search" | "sort">, first: number, last: number) {
  const from = Math.floor(Math.max(0, first) / page);
  const to = Math.floor(Math.max(0, last) / page);
  const pages = Array.from({ length: Math.min(4, to - from + 1) }, (_, i) => from + i);
  const answers = useQueries({
    queries: pages.map((p) => {
      const f: TenantFilter = { ...filter, limit: page, offset: p * page };
      return { queryKey: keys.tenants(f), queryFn: () => api.tenants(f), refetchInterval: often(3), placeholderData: keepPreviousData };
    }),
  });
  const total = answers.find((a) => a.data)?.data?.total;
  const known = answers.map((a) => a.data?.tenants);
  const rows = useMemo(() => {
    const list: (TenantRow | undefined)[] = new Array(total ?? 0).fill(undefined);
    known.forEach((tenants, i) => {
      const start = (pages[i] ?? 0) * page;
      tenants?.forEach((t, j) => {
        if (start + j < list.length) list[start + j] = t;
      });
    });
    return list;
    // biome-ignore lint/correctness/useExhaustiveDependencies: the pages' answers are compared one by one
  }, [total, from, to, ...known]);
  const failed = answers.find((a) => a.error);
  return {
    rows,
    total,
    error: failed?.error ?? null,
    updatedAt: Math.max(0, ...answers.map((a) => a.dataUpdatedAt)),
    refetch: () => {
      for (const a of answers) void a.refetch();
    },
  };
}

/** usePlacement compares every pointer with where the rows are, when asked. */
export function usePlacement() {
  return useMutation({ mutationFn: () => api.checkTenants() });
}
