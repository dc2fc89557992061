import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { setLive } from "../../app/live";
import { show } from "../../test/world";
import { waits } from "./tail";

const alarm = {
  at: "2026-01-01T10:00:00Z",
  kind: "rollback",
  first_seq: 8,
  last_seq: 20,
  message: "the server's trail ends at event 7, this computer's copy at 20",
};

const event = (seq: number) => ({
  id: `e${seq}`,
  seq,
  at: "2026-01-01T10:00:00Z",
  actor: "ann@example.com",
  actor_ref: "",
  actor_role: "admin",
  db_user: "ann",
  action: "tenant.assign",
  phase: "outcome",
  status: "ok",
  tenant: "7",
  source: "default",
  target: "shard_1",
  note: `reason ${seq}`,
  move_id: "",
  via: "cli",
  hash: "",
  before: {},
  after: {},
  details: {},
});

describe("audit", () => {
  it("keeps an alarm in sight until a new copy is begun with a reason", async () => {
    const w = show("/audit", {
      "Audit.Alarms": () => ({ alarms: [alarm], hint: "compare it with the copies of other operators" }),
      "Audit.Restart": () => ({ pulled: 7, seq: 7, head: 7 }),
    });
    const panel = await screen.findByRole("alert", { name: "Alarm of the audit trail" });
    expect(panel.textContent).toContain(alarm.message);
    expect(panel.textContent).toContain("compare it with the copies of other operators");
    const nav = screen.getByRole("navigation", { name: "Screens" });
    expect(within(nav).getByRole("link", { name: "Audit, the trail disagrees with its copy" }).textContent).toContain("alarm");
    fireEvent.click(within(panel).getByRole("button", { name: "Begin a new copy…" }));
    const dialog = await screen.findByRole("dialog");
    const button = within(dialog).getByRole("button", { name: "Begin a new copy" });
    expect(button.hasAttribute("disabled")).toBe(true);
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "restored on Sunday" } });
    fireEvent.click(button);
    await waitFor(() => expect(w.of("Audit.Restart")).toEqual([["restored on Sunday"]]));
  });

  it("puts an alarm on every screen, with what to do and the way to it", async () => {
    const w = show("/", {
      "Audit.Alarms": () => ({ alarms: [{ ...alarm, kind: "deleted" }], hint: "keep shard-admin.db" }),
    });
    for (const [name, path] of [
      ["Fleet", "/"],
      ["Tenants", "/tenants"],
      ["Settings", "/settings"],
    ]) {
      fireEvent.click(within(await screen.findByRole("navigation", { name: "Screens" })).getByRole("link", { name }));
      await waitFor(() => expect(w.path()).toBe(path));
      const banner = await screen.findByRole("alert", { name: "The audit trail was tampered with" });
      expect(banner.textContent).toContain(alarm.message);
      expect(banner.textContent).toContain("keep shard-admin.db");
    }
    fireEvent.click(screen.getByRole("link", { name: "Show the alarm" }));
    await screen.findByRole("heading", { name: "This computer's copy of the trail has not what it had" });
    expect(screen.queryByRole("alert", { name: "The audit trail was tampered with" })).toBeNull();
  });

  it("shows the pseudonym of an event, and of whom nobody knows any more", async () => {
    const ref = "person-1a2b3c4d5e6f708192a3b4c5d6e7f809";
    const erased = { ...event(2), actor: "erased person 1a2b3c4d", actor_ref: ref };
    const known = { ...event(1), actor_ref: "person-ffffffffffffffffffffffffffffffff" };
    show("/audit?event=e2", {
      "Audit.Alarms": () => ({ alarms: [], hint: "" }),
      "Audit.List": () => ({ events: [erased, known], copy_to: null, copy_at: null, copy_reason: "", next: 2 }),
    });
    const dialog = await screen.findByRole("dialog");
    expect(dialog.textContent).toContain("erased person 1a2b3c4d as admin");
    expect(dialog.textContent).toContain("Who this was has been erased from the trail.");
    expect(within(dialog).getByText(ref)).toBeTruthy();
    expect(within(dialog).getByRole("button", { name: "Copy the pseudonym" })).toBeTruthy();
    fireEvent.click(within(dialog).getByRole("button", { name: "Close" }));
    fireEvent.click(await screen.findByText("reason 1"));
    const other = await screen.findByRole("dialog");
    await waitFor(() => expect(other.textContent).toContain("The sealed event names this in place of the e-mail."));
  });

  it("says that a copy is shown, how far it goes and why", async () => {
    show("/audit", {
      "Audit.Alarms": () => ({ alarms: [], hint: "" }),
      "Audit.List": () => ({
        events: [],
        copy_to: 1234,
        copy_at: "2026-01-01T10:00:00Z",
        copy_reason: "control: nobody answers at db1:5432",
      }),
    });
    const notice = await screen.findByText(/This is this computer's copy/);
    expect(notice.textContent).toContain("1,234");
    expect(notice.textContent).toContain("nobody answers at db1:5432");
    expect(screen.queryByRole("alert", { name: "Alarm of the audit trail" })).toBeNull();
  });

  it("verifies the copy and makes a report of it while the copy is what is listed", async () => {
    let away = true;
    const w = show("/audit", {
      "Audit.Alarms": () => ({ alarms: [], hint: "" }),
      "Audit.List": () => ({
        events: [event(7)],
        copy_to: away ? 1234 : null,
        copy_at: away ? "2026-01-01T10:00:00Z" : null,
        copy_reason: away ? "control: nobody answers at db1:5432" : "",
        next: 7,
      }),
      "Audit.Verify": () => ({
        ok: true,
        events: 1234,
        first_bad: null,
        findings: [],
        verified_at: "2026-01-01T10:00:00Z",
        copy_to: away ? 1234 : null,
        copy_reason: away ? "control: nobody answers at db1:5432" : "",
      }),
      "Audit.ReportKinds": () => [
        { kind: "changes", title: "Change log", holds: "every change", needs: "" },
        { kind: "moves", title: "Moves", holds: "every move", needs: "" },
      ],
      "Audit.Schedules": () => ({ schedules: [] }),
      "Audit.Preview": () => ({ html: "<p>first page</p>", statement: "", count: 1, period_events: 1, chain_ok: true }),
    });
    await screen.findByText("This computer's copy of 1,234 verified");
    fireEvent.click(screen.getByRole("button", { name: "Report…" }));
    const dialog = await screen.findByRole("dialog");
    await waitFor(() => expect(within(dialog).getByLabelText("Report").textContent).toContain("Change log"));
    expect(within(dialog).getByLabelText("Report").textContent).not.toContain("Moves");
    expect(within(dialog).getByText(/is made of this computer's copy of the trail, up to event/).textContent).toContain("1,234");
    fireEvent.click(within(dialog).getByRole("button", { name: "Preview" }));
    await waitFor(() => expect(w.of("Audit.Preview")[0]?.[0]).toMatchObject({ mirror: true }));
    away = false;
    fireEvent.click(within(dialog).getByRole("button", { name: "Close" }));
    fireEvent.change(screen.getByLabelText("Search events"), { target: { value: "reason" } });
    await screen.findByText("Chain of 1,234 verified");
  });

  it("lists the scheduled reports with what is missing and why", async () => {
    const one = {
      name: "monthly",
      kind: "changes",
      format: "pdf",
      every: "month",
      time_of_day: "06:00",
      zone: "Europe/Berlin",
      folder: "/srv/reports",
      mail: "",
      status: "failed",
      missing: 2,
      status_reason: "the folder /srv/reports is not there",
      due_at: "2026-01-01T05:00:00Z",
      next_at: "2026-03-01T05:00:00Z",
      delivered_at: null,
      delivered_at_reason: "the trail has no delivery of it",
      delivered_until: null,
      failed_at: "2026-02-01T05:00:00Z",
    };
    show("/audit", { "Audit.Schedules": () => ({ schedules: [one], workers: 1 }) });
    fireEvent.click(await screen.findByRole("button", { name: "Report…" }));
    const part = await screen.findByRole("region", { name: "Scheduled reports" });
    await waitFor(() => expect(part.textContent).toContain("failed, 2 missing"));
    expect(part.textContent).toContain("the folder /srv/reports is not there");
    expect(part.textContent).toContain("the trail has no delivery of it");
  });

  it("previews what would be written, and nothing else once that is another report", async () => {
    const about = (kind: string) => ({ kind, title: kind, holds: kind, needs: "", formats: ["html"] });
    const w = show("/audit?outcome=failed", {
      "Audit.ReportKinds": () => [about("events"), about("changes"), about("access")],
      "Audit.Preview": (r: { kind: string }) => ({ html: `<p>${r.kind}</p>` }),
    });
    fireEvent.click(await screen.findByRole("button", { name: "Report…" }));
    const dialog = within(await screen.findByRole("dialog"));
    await dialog.findByRole("option", { name: /changes|Change/ });
    fireEvent.change(dialog.getByRole("combobox", { name: "Report" }), { target: { value: "changes" } });
    fireEvent.click(dialog.getByRole("button", { name: "Preview" }));
    expect(await dialog.findByTitle("Preview of the report")).toBeTruthy();
    // A change log of failures alone would be none.
    expect(w.of("Audit.Preview").at(-1)?.[0]).toMatchObject({ kind: "changes", filter: { status: "" } });
    fireEvent.change(dialog.getByLabelText(/Reason/), { target: { value: "OPS-311" } });
    expect(dialog.getByTitle("Preview of the report")).toBeTruthy();
    fireEvent.change(dialog.getByRole("combobox", { name: "Report" }), { target: { value: "access" } });
    await waitFor(() => expect(dialog.queryByTitle("Preview of the report")).toBeNull());
  });

  it("adds what comes after the last number, and lets it wait while rows further down are read", async () => {
    let end = 1;
    const w = show("/audit", {
      "Audit.List": (f: { after: number }) => {
        const list = Array.from({ length: end - f.after }, (_, i) => event(end - i));
        return { events: list, copy_to: null, copy_at: null, copy_reason: "", next: end };
      },
    });
    await screen.findByText("reason 1");
    setLive({ paused: false, every: 10 });
    fireEvent.click(screen.getByRole("switch", { name: "Live" }));
    end = 2;
    await screen.findByText("reason 2");
    expect(screen.getByText("1 new event listed")).toBeTruthy();
    const table = screen.getByRole("region", { name: "Audit trail" });
    table.scrollTop = 20;
    end = 5;
    const chip = await screen.findByRole("button", { name: "3 new events" });
    expect(screen.queryByText("reason 5")).toBeNull();
    fireEvent.click(chip);
    await screen.findByText("reason 5");
    expect(screen.getByText("reason 1")).toBeTruthy();
    expect(document.activeElement).toBe(screen.getByRole("region", { name: "Audit trail" }));
    const after = w.of("Audit.List").map((args) => (args[0] as { after: number }).after);
    expect(after).toContain(1);
    expect(after).toContain(2);
    fireEvent.click(screen.getByRole("switch", { name: "Live" }));
    setLive({ paused: true, every: 5000 });
  });

  it("waits longer each time nothing comes, up to a minute", () => {
    expect([0, 1, 2, 9].map((n) => waits(2000, n))).toEqual([2000, 4000, 8000, 60_000]);
  });

  it("counts the values of the filter and narrows it in the address", async () => {
    const w = show("/audit?tenant=7", {
      "Audit.Facets": () => ({
        events: 10_000,
        most: 10_000,
        more: true,
        copy_to: null,
        copy_reason: "",
        facets: [
          { kind: "outcome", distinct: 12, values: [{ value: "failed", events: 31 }] },
          { kind: "tenant", distinct: 1, values: [{ value: "7", events: 10_000 }] },
        ],
      }),
    });
    fireEvent.click(await screen.findByRole("button", { name: "Counts" }));
    const part = await screen.findByRole("region", { name: "Counts" });
    await within(part).findByText(/the newest 10,000 events of this filter; there are older ones/);
    expect(part.textContent).toContain("and 11 more");
    fireEvent.click(within(part).getByTitle("Only these"));
    await waitFor(() => expect(w.path()).toContain("outcome=failed"));
    await waitFor(() => expect(w.of("Audit.List").at(-1)?.[0]).toMatchObject({ tenant: "7", status: "failed" }));
    fireEvent.click(await within(part).findByRole("button", { name: "7", pressed: true }));
    await waitFor(() => expect(w.path()).not.toContain("tenant="));
  });

  // By text and not by role: in this world nothing has a place, so a menu that opens
  // again counts as hidden.
  const at = "2026-01-01T10:00:00Z";
  const none = { id: "", tenant: "", actor: "", shard: "", action: "", since: "", until: "", search: "", status: "" };
  const seven = { name: "seven", filter: { ...none, tenant: "7", since: "30d", before: 0, after: 0, limit: 0 }, made_at: at, reason: "" };

  it("saves the filter under a name, and replaces the one that has it", async () => {
    const w = show("/audit?tenant=8&since=720h", {
      "Audit.Filters": () => ({ filters: [seven] }),
      "Audit.SaveFilter": (r: { name: string }) => ({ ...seven, name: r.name }),
    });
    for (const [name, button] of [
      ["eight", "Save"],
      ["Seven", "Replace it"],
    ] as const) {
      fireEvent.click(await screen.findByText("Save this filter…"));
      fireEvent.change(await screen.findByLabelText(/^Name/), { target: { value: name } });
      fireEvent.submit((await screen.findByText(button)).closest("form") as HTMLFormElement);
      await waitFor(() => expect(screen.queryByLabelText(/^Name/)).toBeNull());
    }
    expect(w.of("Audit.SaveFilter").map((args) => args[0])).toMatchObject([
      { name: "eight", replace: false, filter: { tenant: "8", since: "720h" } },
      { name: "Seven", replace: true, filter: { tenant: "8", since: "720h" } },
    ]);
  });

  it("applies a saved filter in the address, and removes it when that is confirmed", async () => {
    let filters = [seven];
    const w = show("/audit?outcome=failed", {
      "Audit.Filters": () => ({ filters }),
      "Audit.RemoveFilter": () => {
        filters = [];
        return seven;
      },
    });
    fireEvent.click(await screen.findByText("Saved"));
    const item = (await screen.findByText("seven")).closest("[role=menuitemradio]");
    expect(item?.getAttribute("aria-checked")).toBe("false");
    expect(item?.textContent).toContain("tenant 7 · last 30d");
    fireEvent.click(item as Element);
    await waitFor(() => expect(w.path()).toBe("/audit?tenant=7&since=30d"));
    await waitFor(() => expect(w.of("Audit.List").at(-1)?.[0]).toMatchObject({ tenant: "7", since: "30d", status: "" }));
    expect((screen.getByLabelText("When") as HTMLSelectElement).value).toBe("30d");

    fireEvent.click(screen.getByText("Saved"));
    fireEvent.click(await screen.findByText("Look through and remove…"));
    fireEvent.click(await screen.findByLabelText("Remove seven"));
    fireEvent.click(await screen.findByText("Remove it"));
    await screen.findByText("No filter is saved for this fleet");
    expect(w.of("Audit.RemoveFilter")).toEqual([["seven"]]);
  });
});
