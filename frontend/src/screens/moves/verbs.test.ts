import { expect, test } from "vitest";
import { isOver, reached } from "./verbs";

const move = { state: "", phase: "", held: false, rows: 10, rows_copied: 10 };

test("a move that is held before its fence has not copied yet", () => {
  expect(reached({ ...move, state: "ready", phase: "Switch", held: true, rows_copied: 0 })).toBe(2);
  expect(reached({ ...move, state: "ready", phase: "Switch", held: false })).toBe(4);
});

test("a retained move is watched, whatever its phase says", () => {
  expect(reached({ ...move, state: "retained", phase: "Switch" })).toBe(5);
});

test("a running move is where its phase says", () => {
  expect(reached({ ...move, state: "copying", phase: "Copy" })).toBe(2);
});

test("a retained move is not over, because it can still move back", () => {
  expect(isOver("retained")).toBe(false);
  expect(isOver("rolled_back")).toBe(true);
});
