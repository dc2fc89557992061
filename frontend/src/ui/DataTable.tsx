import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { covered, typing } from "./keyboard";

export interface Column<T> {
  key: string;
  head: string;
  cell: (row: T) => ReactNode;
  right?: boolean;
  width?: number;
  /** What rows are sorted by; without it a column of this computer's rows has no order. */
  by?: (row: T) => string | number | null | undefined;
  /** The column can be sorted by whoever gives the rows. */
  sorts?: boolean;
}

export interface Sort {
  key: string;
  down: boolean;
}

/** readSort and writeSort keep an order in the address: "name" or "-name". */
export function readSort(text: string | undefined): Sort | undefined {
  if (!text) return undefined;
  return text.startsWith("-") ? { key: text.slice(1), down: true } : { key: text, down: false };
}

export function writeSort(sort: Sort | undefined): string | undefined {
  return sort ? `${sort.down ? "-" : ""}${sort.key}` : undefined;
}

function compare(a: string | number | null | undefined, b: string | number | null | undefined): number {
  if (a === null || a === undefined) return b === null || b === undefined ? 0 : -1;
  if (b === null || b === undefined) return 1;
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}

/**
 * DataTable shows rows; only those in sight are drawn. A row that is not there
 * yet is undefined and holds its place. j, k and the arrows move the cursor,
 * Enter opens.
 */
export function DataTable<T>({
  label,
  columns,
  rows,
  rowKey,
  onOpen,
  sort,
  onSort,
  sorted = false,
  compact = false,
  fill = false,
  keyboard = false,
  maxHeight,
  onRange,
}: {
  label: string;
  columns: Column<T>[];
  rows: readonly (T | undefined)[];
  rowKey: (row: T) => string;
  onOpen?: (row: T) => void;
  sort?: Sort;
  onSort?: (sort: Sort | undefined) => void;
  /** The rows are in order already. */
  sorted?: boolean;
  compact?: boolean;
  fill?: boolean;
  keyboard?: boolean;
  maxHeight?: number;
  onRange?: (first: number, last: number) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState(-1);
  // Where the cursor is going: keys come faster than the page draws.
  const going = useRef(-1);
  const shown = useMemo(() => {
    const by = sort && !sorted ? columns.find((c) => c.key === sort.key)?.by : undefined;
    if (!by || !sort) return rows;
    const list = rows.filter((r): r is T => r !== undefined);
    return list.sort((a, b) => compare(by(a), by(b)) * (sort.down ? -1 : 1));
  }, [rows, columns, sort, sorted]);

  const virtual = fill || maxHeight !== undefined;
  const virtualizer = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => (compact ? 28 : 36),
    overscan: 12,
    enabled: virtual,
    initialRect: { width: 800, height: 600 },
  });
  const items = virtual ? virtualizer.getVirtualItems() : [];
  const first = virtual ? (items[0]?.index ?? 0) : 0;
  const last = virtual ? (items[items.length - 1]?.index ?? -1) : shown.length - 1;
  const before = virtual ? (items[0]?.start ?? 0) : 0;
  const after = virtual ? virtualizer.getTotalSize() - (items[items.length - 1]?.end ?? 0) : 0;

  useEffect(() => onRange?.(first, last), [onRange, first, last]);

  useEffect(() => {
    if (!keyboard) return;
    const hear = (e: KeyboardEvent) => {
      if (typing(e.target) || covered() || e.ctrlKey || e.metaKey || e.altKey) return;
      const move = (to: number) => {
        e.preventDefault();
        const at = Math.max(0, Math.min(shown.length - 1, to));
        going.current = at;
        setCursor(at);
        if (virtual) virtualizer.scrollToIndex(at);
        else box.current?.querySelector(`[data-index="${at}"]`)?.scrollIntoView({ block: "nearest" });
      };
      const from = going.current;
      if (e.key === "j" || (e.key === "ArrowDown" && from >= 0)) move(from + 1);
      else if (e.key === "k" || (e.key === "ArrowUp" && from >= 0)) move(from < 0 ? 0 : from - 1);
      else if (e.key === "Enter" && !(e.target instanceof HTMLButtonElement) && !(e.target instanceof HTMLAnchorElement)) {
        const row = shown[from];
        if (row !== undefined) onOpen?.(row);
      }
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, [keyboard, shown, onOpen, virtual, virtualizer]);

  const order = (c: Column<T>) => {
    if (!onSort) return;
    if (sort?.key !== c.key) onSort({ key: c.key, down: false });
    else onSort(sort.down ? undefined : { key: c.key, down: true });
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: a region that scrolls must be reachable by keyboard
    <div
      ref={box}
      className={`tablebox${fill ? " fill" : ""}`}
      style={maxHeight === undefined ? undefined : { maxHeight }}
      role="region"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: as above
      tabIndex={0}
    >
      <table className={`data${compact ? " compact" : ""}`} aria-rowcount={shown.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((c) => {
              const on = sort?.key === c.key;
              return (
                <th
                  key={c.key}
                  scope="col"
                  className={c.right ? "r" : undefined}
                  style={c.width ? { width: c.width } : undefined}
                  aria-sort={on ? (sort.down ? "descending" : "ascending") : undefined}
                >
                  {onSort && (c.by || c.sorts) ? (
                    <button type="button" onClick={() => order(c)}>
                      {c.head}
                      {on ? (sort.down ? " ↓" : " ↑") : ""}
                    </button>
                  ) : (
                    c.head
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {before > 0 ? (
            // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in this row takes the focus
            <tr aria-hidden="true">
              <td colSpan={columns.length} style={{ height: before, padding: 0, border: 0 }} />
            </tr>
          ) : null}
          {shown.slice(first, last + 1).map((row, i) => {
            const index = first + i;
            return (
              <tr
                key={row === undefined ? `at ${index}` : rowKey(row)}
                data-index={index}
                aria-rowindex={index + 2}
                data-open={row !== undefined && onOpen ? "" : undefined}
                data-cursor={index === cursor}
                onClick={(e) => {
                  if (row === undefined || !onOpen || (e.target instanceof Element && e.target.closest("a,button,input"))) return;
                  if (window.getSelection()?.toString()) return;
                  onOpen(row);
                }}
              >
                {columns.map((c) => (
                  <td key={c.key} className={c.right ? "r num" : undefined}>
                    {row === undefined ? <span className="bone" style={{ width: 60 }} /> : c.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 ? (
            // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in this row takes the focus
            <tr aria-hidden="true">
              <td colSpan={columns.length} style={{ height: after, padding: 0, border: 0 }} />
            </tr>
          ) : null}
        </tbody>
      </table>
    </div>
  );
}
