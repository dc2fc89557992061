import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { show } from "../../test/world";

const alarm = {
  at: "2026-01-01T10:00:00Z",
  kind: "rollback",
  first_seq: 8,
  last_seq: 20,
  message: "the server's trail ends at event 7, this computer's copy at 20",
};

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

  it("lists the scheduled reports with what is missing and why", async () => {
    const one = {
      name: "monthly",
      kind: "changes",
      format: "pdf",
      every: "month",
      at: "06:00",
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
});
