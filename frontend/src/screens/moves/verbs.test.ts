import { expect, test } from "vitest";
import { isOver, reached } from "./verbs";

test("a retained move is watched, whatever its phase says", () => {
  expect(reached({ state: "retained", phase: "Switch" })).toBe(5);
});

test("a running move is where its phase says", () => {
  expect(reached({ state: "copying", phase: "Copy" })).toBe(2);
});

test("a retained move is not over, because it can still move back", () => {
  expect(isOver("retained")).toBe(false);
  expect(isOver("rolled_back")).toBe(true);
});
