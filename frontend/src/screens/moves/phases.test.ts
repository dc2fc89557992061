import { expect, test } from "vitest";
import type { MoveView } from "../../bridge";
import { phasesOf } from "./phases";
import { verbOf } from "./verbs";

const move: MoveView = {
  id: "01a2",
  tenant: "7",
  label: "porto-prime",
  source: "default",
  target: "shard_2",
  mode: "fenced",
  state: "copying",
  step: "fenced",
  phase: "Copy",
  held: false,
  rows: 1000,
  bytes: 402_000,
  rows_copied: 620,
  bytes_copied: 249_000,
  max_read_only_ms: 300_000,
  verified: false,
  created_by: "ops@estates.example",
  note: "OPS-311",
  created_at: "2026-05-04T09:41:22Z",
  started_at: "2026-05-04T09:41:23Z",
  next: [],
  actions: ["cancel"],
  owner: "vm/page/1",
  settled: false,
  tables: [{ table: "pwb_contacts", kind: "tenant", rows: 1000, bytes: 402_000, rows_copied: 620, bytes_copied: 249_000, verified: false }],
  log: [],
  checks: [{ name: "rights", status: "ok", message: "the role may", fix: "", evidence: "" }],
} as unknown as MoveView;

const line = (m: Partial<MoveView>) => phasesOf({ ...move, ...m } as MoveView).map((p) => `${p.name} ${p.is}: ${p.says}`);

test("a running move says what each phase came to, and how far this one is", () => {
  expect(line({})).toEqual([
    "Plan done: 402 kB",
    "Check done: 1 check",
    "Copy now: 62.0 % of the rows",
    "Verify ahead: to come",
    "Switch ahead: to come",
    "Watch ahead: to come",
    "Finish ahead: to come",
  ]);
});

test("a copy that makes way says so, and for what", () => {
  const slowed = "2 of 4 streams: a standby of shard_1 is 6.0 s behind";
  expect(line({ slowed })[2]).toBe(`Copy now: 62.0 % of the rows; ${slowed}`);
  const step = { phase: "Verify", state: "copying", step: "verifying" };
  expect(line({ slowed, ...step })[3]).toBe(`Verify now: 0 of 1 tables; ${slowed}`);
  expect(line({ slowed: "", phase: "Verify", state: "copying" })[2]).toBe("Copy done: 620 rows");
});

test("a failed move stopped where it was", () => {
  expect(line({ state: "failed", settled: true })[2]).toBe("Copy bad: stopped");
});

test("a cancelled move did not do the rest", () => {
  expect(line({ state: "cancelled", settled: true }).slice(2)).toEqual([
    "Copy ahead: not done",
    "Verify ahead: not done",
    "Switch ahead: not done",
    "Watch ahead: not done",
    "Finish ahead: not done",
  ]);
});

test("after the switch it says how long writes waited and that it can move back", () => {
  const said = line({ state: "retained", phase: "Watch", settled: true, verified: true, rows_copied: 1000, write_pause_ms: 2643 });
  expect(said.slice(2, 6)).toEqual([
    "Copy done: 1,000 rows",
    "Verify done: every row is equal",
    "Switch done: writes waited 2.6 s",
    "Watch now: can move back",
  ]);
});

const online: Partial<MoveView> = { mode: "online", step: "", rows_copied: 1000, verified: true };

test("an online move that carries what is written is past its copy, and its tenant writes", () => {
  expect(line({ ...online, state: "catching_up", phase: "Catch up" }).slice(2)).toEqual([
    "Copy done: 1,000 rows",
    "Verify done: every row is equal",
    "Catch up now: carrying writes",
    "Switch ahead: to come",
    "Watch ahead: to come",
    "Finish ahead: to come",
  ]);
  expect(line({ ...online, state: "catching_up", phase: "Catch up", owner: "" })[4]).toBe("Catch up now: nobody carries");
});

test("a held online move follows and waits with its switch; a fenced one waits with its copy", () => {
  const held = { state: "ready", step: "held", phase: "Switch", held: true, settled: true, owner: "" };
  expect(line({ ...online, ...held }).slice(2)).toEqual([
    "Copy done: 1,000 rows",
    "Verify done: every row is equal",
    "Catch up done: the target follows",
    "Switch now: waits for you",
    "Watch ahead: to come",
    "Finish ahead: to come",
  ]);
  expect(line({ ...held, rows_copied: 0 }).slice(1, 4)).toEqual([
    "Check done: 1 check",
    "Copy now: waits for you",
    "Verify ahead: to come",
  ]);
});

test("writes wait in the switch of an online move and in no phase before", () => {
  for (const [state, phase] of [
    ["copying", "Copy"],
    ["copying", "Verify"],
    ["catching_up", "Catch up"],
    ["ready", "Switch"],
  ])
    expect(line({ ...online, state, phase }).join(), phase).not.toContain("writes wait");
  expect(line({ ...online, state: "switching", phase: "Switch", read_only_since: "2026-05-04T09:41:25Z" })[5]).toBe(
    "Switch now: writes wait",
  );
  expect(line({ ...online, state: "retained", phase: "Watch", settled: true, write_pause_ms: 87 }).slice(4, 7)).toEqual([
    "Catch up done: the target follows",
    "Switch done: writes waited 87 ms",
    "Watch now: can move back",
  ]);
});

test("a failed online move stopped where it was, and what it kept is done", () => {
  expect(line({ ...online, state: "failed", phase: "Switch", settled: true }).slice(4, 6)).toEqual([
    "Catch up done: the target follows",
    "Switch bad: stopped",
  ]);
});

test("a move that went back was watched, and does not finish", () => {
  expect(line({ ...online, state: "rolled_back", phase: "Move back", settled: true, write_pause_ms: 87 }).slice(5)).toEqual([
    "Switch done: writes waited 87 ms",
    "Watch done: moved back",
    "Finish ahead: not done",
  ]);
});

test("every legal action says its effect, and only what cannot be undone is dangerous", () => {
  for (const verb of ["switch", "resume", "cancel", "rollback", "finalize"])
    expect(verbOf(verb, move)?.effect.length, verb).toBeGreaterThan(20);
  expect(["switch", "resume", "rollback"].map((v) => verbOf(v, move)?.danger)).toEqual([false, false, false]);
  expect(verbOf("finalize", move)).toMatchObject({ danger: true, final: true });
  expect(verbOf("explode", move)).toBeUndefined();
});
