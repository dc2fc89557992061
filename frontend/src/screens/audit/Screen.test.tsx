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
});
