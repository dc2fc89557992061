import { useMutation, useQueries } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { often } from "../../app/live";
import { api, keys, type TenantFilter, type TenantList, type TenantRow } from "../../bridge";

/** How many tenants are asked for at once. */
export const page = 200;

/** pagesOf are the pages that hold the rows from first to last, at most four. */
export function pagesOf(first: number, last: number): number[] {
  const from = Math.floor(Math.max(0, first) / page);
  const to = Math.floor(Math.max(0, last) / page);
  return Array.from({ length: Math.min(4, to - from + 1) }, (_, i) => from + i);
}

/** lay puts pages where their rows are; what was not read yet is undefined and holds its place. */
export function lay(total: number, pages: readonly number[], answers: readonly (TenantList | undefined)[]): (TenantRow | undefined)[] {
  const list: (TenantRow | undefined)[] = new Array(total).fill(undefined);
  answers.forEach((a, i) => {
    const start = (pages[i] ?? 0) * page;
    a?.tenants.forEach((t, j) => {
      if (start + j < total) list[start + j] = t;
    });
  });
  return list;
}

/** useTenants asks for the pages in sight. While another filter is read for the first time, the rows of the one before stay. */
export function useTenants(filter: TenantFilter, first: number, last: number) {
  const pages = pagesOf(first, last);
  const answers = useQueries({
    queries: pages.map((p) => {
      const f: TenantFilter = { ...filter, limit: page, offset: p * page };
      return { queryKey: keys.tenants(f), queryFn: () => api.tenants(f), refetchInterval: often(3) };
    }),
  });
  const id = JSON.stringify(filter);
  const kept = useRef<{ id: string; total: number; rows: (TenantRow | undefined)[]; fields: string[] } | null>(null);
  const some = answers.find((a) => a.data)?.data;
  const before = kept.current;
  const total = some?.total ?? (before?.id === id ? before.total : undefined);
  // The answers are compared by when they came: they are new lists at each render.
  const state = answers.map((a) => a.dataUpdatedAt).join(" ");
  const layout = useRef<{ key: string; rows: (TenantRow | undefined)[] } | null>(null);
  const key = `${id} ${total} ${pages.join(" ")} ${state}`;
  let rows: (TenantRow | undefined)[] | undefined;
  if (total !== undefined) {
    rows =
      layout.current?.key === key
        ? layout.current.rows
        : lay(
            total,
            pages,
            answers.map((a) => a.data),
          );
    layout.current = { key, rows };
  }
  useEffect(() => {
    if (some && rows) kept.current = { id, total: some.total, rows, fields: some.fields };
  }, [id, some, rows]);
  const failed = answers.find((a) => a.error);
  return {
    rows: rows ?? before?.rows,
    total: total ?? before?.total,
    fields: some?.fields ?? before?.fields ?? [],
    changedReason: some?.changed_reason ?? "",
    /** The rows are of the filter before this one. */
    old: rows === undefined && before !== null,
    fetching: answers.some((a) => a.isFetching),
    error: failed?.error ?? null,
    updatedAt: Math.max(0, ...answers.map((a) => a.dataUpdatedAt)),
    refetch: () => {
      for (const a of answers) void a.refetch();
    },
  };
}

/** idsBetween are the ids of the rows from one place of the list to another, read where they were not in sight. */
export async function idsBetween(filter: TenantFilter, a: number, b: number): Promise<TenantRow[]> {
  const from = Math.min(a, b);
  const list = await api.tenants({ ...filter, offset: from, limit: Math.abs(a - b) + 1 });
  return list.tenants;
}

/** usePlacement compares every pointer with where the rows are, when asked. */
export function usePlacement() {
  return useMutation({ mutationFn: () => api.checkTenants() });
}

export function useExport() {
  return useMutation({
    mutationFn: (r: { filter: TenantFilter; columns: string[]; ids: string[] }) => api.exportTenants(r),
  });
}
