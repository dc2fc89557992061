import { expect, test } from "vitest";
import { event, move, report } from "../../test/factories";
import { reportOf } from "./report";

test("a report has what a ticket asks for, as the program said it", () => {
  const text = reportOf(report());
  for (const part of [
    "Move of site-7 (7) from default to shard_1",
    "Fleet      estates, staging",
    "Move       m1",
    "Mode       fenced, every table has a key",
    "By         ann@example.com: a test",
    "Rows       1,000 of 1,000 rows",
    "Writes     waited 184 ms; at most 30 s were allowed",
    "The tenant: site-7 lives on shard_1; default keeps the copy with which it can move back.",
    "  Copy   2026-03-01 11:00:00 UTC  1 min 20 s",
    "it has not ended",
    "  messages  1,000 of 1,000 rows  98.0 kB  digest 8b1f6c3d5e7a9b0c",
    "  default  1,250",
    "  shard_1  unknown: shard_1 does not answer",
    "Audit trail, 1 event; every hash of the trail was computed anew and is right",
    "number 41  move.start ok  ann@example.com: a test  ff00ff00",
  ])
    expect(text).toContain(part);
  for (const title of ["Decided", "Shared copies", "Kept on", "Log", "Next"]) expect(text).not.toContain(title);
});

test("a report says what is not proven, what was decided and what failed", () => {
  const text = reportOf(
    report({
      chain_ok: false,
      chain_reason: "the audit chain does not verify",
      events: [event()],
      decisions: [{ table: "users", key: "42", case: "two_owners", choices: [], choice: "share", detail: "" }],
      shared_copies: [{ table: "users", key: "42" }],
      kept_on_source: [{ table: "media", key: "7" }],
      move: move({
        state: "failed",
        settled: true,
        error: { code: "x", message: "the disk is full", hint: "", safe: "" },
        next: ["shard-admin move resume m1"],
      }),
    }),
  );
  for (const part of [
    "NOT PROVEN: the audit chain does not verify",
    "Problem: x: the disk is full",
    "  users  42  two owners  share",
    "Shared copies on shard_1\n  users  42",
    "Kept on default for others\n  media  7",
    "Next\n  shard-admin move resume m1",
    "Writes     the tenant was not switched; at most 30 s were allowed",
  ])
    expect(text).toContain(part);
});
