import { expect, test } from "vitest";
import { move } from "../../test/factories";
import { isOver, phasesOfMode, reached, verbOf } from "./verbs";

/** at names the phase that a move has come to. */
const at = (over: Parameters<typeof move>[0]) => phasesOfMode(move(over))[reached(move(over))];
const effect = (verb: string, over: Parameters<typeof move>[0]) => verbOf(verb, move(over))?.effect ?? "";

test("only an online move catches up", () => {
  expect(phasesOfMode({ mode: "online" })).toEqual(["Plan", "Check", "Copy", "Verify", "Catch up", "Switch", "Watch", "Finish"]);
  expect(phasesOfMode({ mode: "fenced" })).toEqual(["Plan", "Check", "Copy", "Verify", "Switch", "Watch", "Finish"]);
});

test("a fenced move that is held has not copied yet, an online one has", () => {
  const held = { state: "ready", step: "held", phase: "Switch", held: true };
  expect(at({ ...held, mode: "fenced" })).toBe("Copy");
  expect(at({ ...held, mode: "fenced", rows: 0 }), "nor has one without rows").toBe("Copy");
  expect(at({ ...held, mode: "online" })).toBe("Switch");
  expect(at({ ...held, mode: "fenced", held: false })).toBe("Switch");
});

test.each(["fenced", "online"])("a running %s move is where its phase says", (mode) => {
  for (const [state, phase] of [
    ["planned", "Check"],
    ["copying", "Copy"],
    ["copying", "Verify"],
    ["switching", "Switch"],
    ["switched", "Switch"],
  ] as const)
    expect(at({ mode, state, phase })).toBe(phase);
  expect(at({ mode: "online", state: "catching_up", phase: "Catch up" })).toBe("Catch up");
});

test.each(["fenced", "online"])("a %s move that is settled is watched, over, or where it failed", (mode) => {
  expect(at({ mode, state: "retained", phase: "Switch" }), "whatever its phase says").toBe("Watch");
  expect(at({ mode, state: "rolling_back", phase: "Move back" })).toBe("Watch");
  expect(at({ mode, state: "rolled_back", phase: "Move back" })).toBe("Watch");
  expect(at({ mode, state: "finalized", phase: "Finish" })).toBe("Finish");
  expect(at({ mode, state: "cancelled", phase: "Plan" })).toBe("Copy");
  expect(at({ mode, state: "failed", phase: "Verify" })).toBe("Verify");
});

test("a retained move is not over, because it can still move back", () => {
  expect(isOver("retained")).toBe(false);
  expect(isOver("rolled_back")).toBe(true);
});

test("a switch says how long writes wait, and for what", () => {
  const held = { state: "ready", held: true, max_read_only_ms: 10_000 };
  expect(effect("switch", { ...held, mode: "online" })).toBe(
    "Writes of site-7 wait for its last changes, about a moment and at most 10 s; reads go on. Then it lives on shard_1.",
  );
  expect(effect("switch", { ...held, mode: "fenced" })).toBe(
    "Writes of site-7 wait while its rows are copied and compared, at most 10 s; reads go on. Then it lives on shard_1.",
  );
});

test("a cancel removes what was copied, where something was", () => {
  const removed = "What was copied to shard_1 is removed.";
  expect(effect("cancel", { mode: "online", state: "ready", held: true })).toContain(removed);
  expect(effect("cancel", { mode: "fenced", state: "copying" })).toContain(removed);
  expect(effect("cancel", { mode: "fenced", state: "ready", held: true })).toContain("Nothing was copied to shard_1 yet.");
});

test("an online move goes back while the tenant writes, a fenced one under the fence", () => {
  const kept = { state: "retained", max_read_only_ms: 10_000 };
  expect(effect("rollback", { ...kept, mode: "online" })).toContain("back to default while site-7 writes on; then its writes wait");
  expect(effect("rollback", { ...kept, mode: "fenced" })).toContain("its writes wait meanwhile, at most 10 s");
  for (const mode of ["online", "fenced"]) expect(effect("rollback", { ...kept, mode })).toContain("Nothing is lost");
});

test("what a resume keeps is what the program says that it keeps", () => {
  const failed = { state: "failed", settled: true, rows_copied: 900, max_read_only_ms: 10_000 };
  expect(effect("resume", { ...failed, mode: "online", phase: "Catch up", goes_on: true })).toBe(
    "Keeps what was copied to shard_1 and carries over what site-7 wrote since; it writes on. Then it switches to shard_1.",
  );
  expect(effect("resume", { ...failed, mode: "online", phase: "Switch", goes_on: true, hold: true })).toContain(
    "Then it waits until you switch.",
  );
  expect(effect("resume", { ...failed, mode: "online", phase: "Copy" })).toBe(
    "What was copied to shard_1 is removed and all rows are copied anew; site-7 writes on. Then it switches to shard_1.",
  );
  expect(effect("resume", { ...failed, mode: "fenced", phase: "Verify" })).toContain(
    "copied anew; writes of site-7 wait meanwhile, at most 10 s",
  );
  expect(effect("resume", { ...failed, mode: "fenced", phase: "Check", rows_copied: 0, hold: true })).toBe(
    "All rows are copied, once you switch.",
  );
  expect(effect("resume", { mode: "online", state: "rolling_back", goes_on: true })).toContain("nothing is done twice");
});
