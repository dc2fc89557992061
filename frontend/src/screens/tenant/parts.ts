import type { TableRows } from "../../bridge";

export interface TablePart {
  name: string;
  bytes: number;
  share: number;
}

/** How many tables a picture names. */
const named = 5;

/** partsOf are the largest tables of a tenant and all others as one. */
export function partsOf(tables: readonly TableRows[]): TablePart[] {
  const total = tables.reduce((n, t) => n + t.bytes, 0);
  if (total === 0) return [];
  const sorted = [...tables].sort((a, b) => b.bytes - a.bytes);
  const parts = sorted.slice(0, named).map((t) => ({ name: t.table, bytes: t.bytes, share: t.bytes / total }));
  const rest = sorted.slice(named);
  const bytes = rest.reduce((n, t) => n + t.bytes, 0);
  return bytes > 0 ? [...parts, { name: `${rest.length} others`, bytes, share: bytes / total }] : parts;
}
