import { MantineProvider } from "@mantine/core";
import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { type Column, DataTable, readSort, writeSort } from "./DataTable";

interface Row {
  name: string;
  n: number | null;
}
const columns: Column<Row>[] = [
  { key: "name", head: "Name", by: (r) => r.name, cell: (r) => r.name },
  { key: "n", head: "Number", by: (r) => r.n, cell: (r) => String(r.n), right: true },
];
const rows: Row[] = [
  { name: "shard_10", n: 3 },
  { name: "shard_2", n: null },
  { name: "default", n: 20 },
];

function table(more: Partial<Parameters<typeof DataTable<Row>>[0]> = {}) {
  return render(
    <MantineProvider>
      <DataTable label="Shards" columns={columns} rows={rows} rowKey={(r) => r.name} {...more} />
    </MantineProvider>,
  );
}
const shown = () =>
  screen
    .getAllByRole("row")
    .slice(1)
    .map((r) => r.querySelector("td")?.textContent);

test("an order is kept in the address as name or -name", () => {
  expect(readSort("-size")).toEqual({ key: "size", down: true });
  expect(readSort(undefined)).toBeUndefined();
  expect([writeSort({ key: "size", down: true }), writeSort({ key: "size", down: false }), writeSort(undefined)]).toEqual([
    "-size",
    "size",
    undefined,
  ]);
});

test("numbers in names count as numbers, and what is not known is least", () => {
  table({ sort: { key: "name", down: false } });
  expect(shown()).toEqual(["default", "shard_2", "shard_10"]);
});

test("what is not known sorts below every number", () => {
  table({ sort: { key: "n", down: true } });
  expect(shown()).toEqual(["default", "shard_10", "shard_2"]);
});

test("a head sorts up, then down, then not", () => {
  const onSort = vi.fn();
  const { rerender } = table({ onSort });
  fireEvent.click(screen.getByRole("button", { name: "Name" }));
  expect(onSort).toHaveBeenLastCalledWith({ key: "name", down: false });
  const again = (down: boolean) =>
    rerender(
      <MantineProvider>
        <DataTable label="Shards" columns={columns} rows={rows} rowKey={(r) => r.name} onSort={onSort} sort={{ key: "name", down }} />
      </MantineProvider>,
    );
  again(false);
  expect(screen.getByRole("columnheader", { name: /Name/ }).getAttribute("aria-sort")).toBe("ascending");
  fireEvent.click(screen.getByRole("button", { name: /Name/ }));
  expect(onSort).toHaveBeenLastCalledWith({ key: "name", down: true });
  again(true);
  fireEvent.click(screen.getByRole("button", { name: /Name/ }));
  expect(onSort).toHaveBeenLastCalledWith(undefined);
});

test("keys that come faster than the page draws all count", () => {
  const onOpen = vi.fn();
  table({ keyboard: true, onOpen });
  for (const key of ["j", "j", "j", "j", "k", "Enter"]) window.dispatchEvent(new KeyboardEvent("keydown", { key }));
  expect(onOpen).toHaveBeenCalledWith(rows[1]);
});

test("a row that is not there yet holds its place and does not open", () => {
  const onOpen = vi.fn();
  table({ rows: [undefined, ...rows], onOpen });
  const [, empty, first] = screen.getAllByRole("row");
  if (!empty || !first) throw new Error("no rows");
  fireEvent.click(empty);
  expect(onOpen).not.toHaveBeenCalled();
  fireEvent.click(first);
  expect(onOpen).toHaveBeenCalledWith(rows[0]);
});
