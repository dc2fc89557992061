import { expect, test } from "vitest";
import { leftOf, noted, points, rateOf, rounded, type Sample } from "./rate";

const steady = (n: number, every: number, rows: number): Sample[] =>
  Array.from({ length: n }, (_, i) => ({ at: i * every, rows: i * rows }));

test("a rate needs half a second of looking", () => {
  expect(rateOf([])).toBeNull();
  expect(rateOf([{ at: 0, rows: 0 }])).toBeNull();
  expect(
    rateOf([
      { at: 0, rows: 0 },
      { at: 400, rows: 900 },
    ]),
  ).toBeNull();
  expect(rateOf(steady(3, 1000, 2000))).toBe(2000);
});

test("a rate forgets what was more than five seconds ago", () => {
  const fast = steady(5, 1000, 10_000);
  const last = fast[fast.length - 1] ?? { at: 0, rows: 0 };
  const slow = Array.from({ length: 8 }, (_, i) => ({ at: last.at + (i + 1) * 1000, rows: last.rows + (i + 1) * 100 }));
  expect(rateOf([...fast, ...slow])).toBe(100);
});

test("a copy that begins anew begins its samples anew", () => {
  expect(noted(steady(4, 1000, 500), { at: 9000, rows: 0 })).toEqual([{ at: 9000, rows: 0 }]);
});

test("samples of the same moment count once", () => {
  const seen = steady(2, 1000, 500);
  expect(noted(seen, { at: 1040, rows: 700 })).toBe(seen);
});

test("the time left is a range around what was seen, and none while nothing was", () => {
  expect(leftOf([], 1000)).toBeNull();
  expect(leftOf(steady(4, 1000, 0), 1000)).toBeNull();
  const even = leftOf(steady(6, 1000, 1000), 10_000);
  expect(even).toEqual({ from: 10_000, to: 10_000 });
  const uneven = leftOf(
    [
      { at: 0, rows: 0 },
      { at: 1000, rows: 500 },
      { at: 2000, rows: 2500 },
      { at: 3000, rows: 3000 },
      { at: 4000, rows: 5000 },
    ],
    5000,
  );
  expect(uneven?.from).toBeLessThan(uneven?.to ?? 0);
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
