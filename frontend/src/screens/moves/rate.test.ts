import { expect, test } from "vitest";
import { noted, points, rounded, type Sample } from "./rate";

const steady = (n: number, every: number, rows: number): Sample[] =>
  Array.from({ length: n }, (_, i) => ({ at: i * every, rows: i * rows }));

test("a copy that begins anew begins its samples anew", () => {
  expect(noted(steady(4, 1000, 500), { at: 9000, rows: 0 })).toEqual([{ at: 9000, rows: 0 }]);
});

test("samples of the same moment count once", () => {
  const seen = steady(2, 1000, 500);
  expect(noted(seen, { at: 1040, rows: 700 })).toBe(seen);
});

test("the chart has a point between each two samples", () => {
  expect(points(steady(3, 500, 100))).toEqual([
    { at: 500, rate: 200 },
    { at: 1000, rate: 200 },
  ]);
});

test("a scale ends at a number that people read", () => {
  expect([0, 3, 11, 480, 2001, 99_999].map(rounded)).toEqual([1, 5, 20, 500, 5000, 100_000]);
});
