import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { ServerSession } from "../../bridge";
import { info, shard, status } from "../../test/factories";
import { refuse, show } from "../../test/world";

const began = "2026-11-26T10:00:00.123456Z";
const asked = "2026-11-26T10:05:00.5Z";

const session = (over: Partial<ServerSession> = {}): ServerSession => ({
  pid: 4711,
  started_at: began,
  statement_at: asked,
  user: "pwb_app",
  application: "a report",
  client: "10.0.0.7",
  state: "active",
  waits: "",
  query: "UPDATE pages SET title = ?",
  transaction_ms: 61_000,
  statement_ms: 60_000,
  state_ms: 60_000,
  blocked_by: [],
  blocks: 2,
  ours: false,
  reason: "",
  ...over,
});

const columns = ["session", "waits", "user", "application", "state", "relation", "query"].map((name) => ({ name, kind: "code" }));
const row = (pid: string, state: string) => [pid, "", "pwb_app", "a report", state, "pages", "UPDATE pages SET title = ?"];

/** locks is the part of a shard in which 4711 runs, 4712 is idle, and a prepared transaction holds a lock. */
function locks(answers: Parameters<typeof show>[1] = {}, environment = "development") {
  return show("/shards/shard_1?tab=locks", {
    "Shell.Info": () => info({ fleets: [{ name: "estates", environment, current: true, error: "" }] }),
    "Overview.Status": () => status([shard()]),
    "Overview.Views": () => ({
      name: "shard_1",
      checked_at: "",
      views: [
        {
          name: "locks",
          title: "Who waits for whom",
          group: "locks",
          checked_at: new Date().toISOString(),
          over_ms: null,
          reason: "",
          grant: "",
          empty: "nobody waits for a lock",
          columns,
          rows: [row("4711", "active"), row("└ 4712", "idle in transaction"), row("prepared transaction", "")],
          sessions: [
            { pid: 4711, started_at: began },
            { pid: 4712, started_at: began },
            { pid: 0, started_at: null },
          ],
        },
      ],
    }),
    "Overview.Sessions": () => ({
      shard: "shard_1",
      sessions: [session(), session({ pid: 4712, state: "idle in transaction" })],
      checked_at: "",
    }),
    ...answers,
  });
}

const ended = (over: object = {}) => ({ shard: "shard_1", session: session(), ended: true, audit_event: "e1", ...over });

describe("a session of a shard's server", () => {
  it("is shown whole, and ended with a reason as the one that was seen", async () => {
    const w = locks({ "Overview.EndSession": () => ended() });
    fireEvent.click(await screen.findByRole("button", { name: "End session 4711" }));
    const dialog = await screen.findByRole("dialog");
    for (const text of [
      "4711",
      "pwb_app",
      "a report, from 10.0.0.7",
      "open for 1 min 1 s",
      "blocks 2 sessions",
      "UPDATE pages SET title = ?",
    ])
      expect(await within(dialog).findByText(text), text).toBeTruthy();
    const button = within(dialog).getByRole("button", { name: "End the session" });
    expect(button.hasAttribute("disabled"), "a reason is asked for").toBe(true);
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "it blocks the import" } });
    const views = w.of("Overview.Views").length;
    fireEvent.click(button);
    await waitFor(() =>
      expect(w.of("Overview.EndSession")).toEqual([
        [
          {
            shard: "shard_1",
            pid: 4711,
            started_at: began,
            statement_at: "",
            ours: false,
            note: "it blocks the import",
            confirm: "",
          },
        ],
      ]),
    );
    expect(await screen.findByText("Session 4711 has ended.")).toBeTruthy();
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await waitFor(() => expect(w.of("Overview.Views").length).toBeGreaterThan(views));
  });

  it("that runs something can have that cancelled, in production after the shard's name", async () => {
    const w = locks({ "Overview.CancelSession": () => ended() }, "production");
    expect(await screen.findByRole("button", { name: "End session 4712" })).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Cancel what session 4712 runs" }), "it is idle").toBeNull();
    expect(screen.queryByRole("button", { name: /session 0/ }), "a prepared transaction has no session").toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Cancel what session 4711 runs" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText("pwb_app");
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "x" } });
    const button = within(dialog).getByRole("button", { name: "Cancel the statement" });
    expect(button.hasAttribute("disabled")).toBe(true);
    fireEvent.change(within(dialog).getByLabelText(/Type shard_1/), { target: { value: "shard_1" } });
    fireEvent.click(button);
    await waitFor(() =>
      expect(w.of("Overview.CancelSession")[0]?.[0]).toMatchObject({
        pid: 4711,
        started_at: began,
        statement_at: asked,
        confirm: "shard_1",
      }),
    );
  });

  it("whose number is another's by now is left alone", async () => {
    const w = locks({
      "Overview.Sessions": () => ({
        shard: "shard_1",
        sessions: [session({ started_at: "2026-11-26T11:00:00Z", user: "other" })],
        checked_at: "",
      }),
    });
    fireEvent.click(await screen.findByRole("button", { name: "End session 4711" }));
    const dialog = await screen.findByRole("dialog");
    expect(await within(dialog).findByText(/Session 4711 has ended/)).toBeTruthy();
    expect(within(dialog).queryByText("other")).toBeNull();
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "x" } });
    expect(within(dialog).getByRole("button", { name: "End the session" }).hasAttribute("disabled")).toBe(true);
    expect(w.of("Overview.EndSession")).toHaveLength(0);
  });

  it("of this program is refused with the reason", async () => {
    locks({ "Overview.Sessions": () => ({ shard: "shard_1", sessions: [session({ ours: true })], checked_at: "" }) });
    fireEvent.click(await screen.findByRole("button", { name: "End session 4711" }));
    const dialog = await screen.findByRole("dialog");
    expect(await within(dialog).findByText(/This program's own session/)).toBeTruthy();
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "x" } });
    expect(within(dialog).getByRole("button", { name: "End the session" }).hasAttribute("disabled")).toBe(true);
  });

  it("that is refused, or does not obey, says so in the dialog", async () => {
    const w = locks({
      "Overview.EndSession": refuse({ code: "right_missing", message: "the role may not end it", hint: "GRANT pg_signal_backend" }),
    });
    fireEvent.click(await screen.findByRole("button", { name: "End session 4711" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByText("pwb_app");
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "x" } });
    fireEvent.click(within(dialog).getByRole("button", { name: "End the session" }));
    expect(await within(dialog).findByText(/GRANT pg_signal_backend/)).toBeTruthy();
    w.answer("Overview.EndSession", () => ended({ ended: false }));
    fireEvent.click(within(dialog).getByRole("button", { name: "End the session" }));
    expect(await within(dialog).findByText("Told to, still there")).toBeTruthy();
    expect(within(dialog).getByRole("button", { name: "End the session" }).hasAttribute("disabled"), "once is enough").toBe(true);
  });

  it("is chosen from all that are connected where the palette asks", async () => {
    const w = locks({ "Overview.EndSession": () => ended() });
    await screen.findByRole("button", { name: "End session 4711" });
    act(() => {
      window.dispatchEvent(new KeyboardEvent("keydown", { key: "k", ctrlKey: true, bubbles: true }));
    });
    fireEvent.change(await screen.findByRole("combobox"), { target: { value: "End a session" } });
    fireEvent.click(await screen.findByText("End a session…"));
    const choice = await screen.findByLabelText("Session");
    fireEvent.change(choice, { target: { value: "4712" } });
    const dialog = await screen.findByRole("dialog");
    expect(await within(dialog).findByText(/^idle in transaction for/)).toBeTruthy();
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "forgotten" } });
    fireEvent.click(within(dialog).getByRole("button", { name: "End the session" }));
    await waitFor(() => expect(w.of("Overview.EndSession")[0]?.[0]).toMatchObject({ pid: 4712, started_at: began }));
  });
});
