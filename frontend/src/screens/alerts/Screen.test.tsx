import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { alert, alerts } from "../../test/factories";
import { refuse, show } from "../../test/world";

describe("alerts", () => {
  it("shows what fires, counts it beside the screen's name, and takes it with a reason", async () => {
    const taken = alert({
      id: 8,
      state: "acknowledged",
      acknowledged_by: "bob@example.com",
      message: "a slot keeps WAL",
      severity: "warning",
    });
    const w = show("/alerts", { "Alerts.List": () => alerts([alert(), taken]), "Alerts.Acknowledge": () => undefined });
    expect(await screen.findByText("1 firing")).toBeTruthy();
    expect(screen.getByText("taken by bob@example.com")).toBeTruthy();
    const nav = screen.getByRole("navigation", { name: "Screens" });
    await waitFor(() => expect(within(nav).getByRole("link", { name: /Alerts/ }).textContent).toContain("1"));
    fireEvent.click(screen.getByRole("button", { name: "Acknowledge…" }));
    const dialog = await screen.findByRole("dialog");
    const button = within(dialog).getByRole("button", { name: "Acknowledge" });
    expect(button.hasAttribute("disabled")).toBe(true);
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "I look" } });
    fireEvent.click(button);
    await waitFor(() => expect(w.of("Alerts.Acknowledge")).toEqual([[7, "I look"]]));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  it("calls what happened once done, and asks nobody to take it", async () => {
    show("/alerts", {
      "Alerts.List": () =>
        alerts([alert({ rule: "move.finished", severity: "info", state: "done", message: "the move of site-7 is done" })]),
    });
    expect(await screen.findByText("the move of site-7 is done")).toBeTruthy();
    expect(screen.getByText("done")).toBeTruthy();
    expect(screen.queryByText("firing")).toBeNull();
    expect(screen.queryByRole("button", { name: "Acknowledge…" })).toBeNull();
    expect(screen.getByText("Nothing fires")).toBeTruthy();
  });

  it("silences a rule of a shard for a time, and says why that failed", async () => {
    const w = show("/alerts", {
      "Alerts.List": () => alerts([alert()]),
      "Alerts.Silence": refuse({ code: "role_missing", message: "you may only look" }),
    });
    fireEvent.click(await screen.findByRole("button", { name: "Silence health.reachable of shard_1" }));
    const dialog = await screen.findByRole("dialog");
    fireEvent.change(within(dialog).getByLabelText("For"), { target: { value: "8h" } });
    fireEvent.change(within(dialog).getByLabelText(/Reason/), { target: { value: "an upgrade" } });
    fireEvent.click(within(dialog).getByRole("button", { name: "Silence" }));
    await waitFor(() =>
      expect(w.of("Alerts.Silence")).toEqual([
        [{ shard: "shard_1", rule: "health.reachable", begins: "", ends: "8h", every: "", note: "an upgrade" }],
      ]),
    );
    expect(await within(dialog).findByText(/you may only look/)).toBeTruthy();
    fireEvent.change(within(dialog).getByLabelText(/only in these windows/), { target: { value: "sun 02:00-04:00 UTC" } });
    fireEvent.click(within(dialog).getByRole("button", { name: "Silence" }));
    await waitFor(() => expect(w.of("Alerts.Silence").at(-1)?.[0]).toMatchObject({ ends: "", every: "sun 02:00-04:00 UTC" }));
  });

  it("tests who is told, and shows what stands against it", async () => {
    const channel = {
      name: "ops",
      kind: "smtp",
      to: ["ops@example.com"],
      severity: "warning",
      events: [],
      digest: "",
      waiting: 2,
      sent_at: null,
      error: "mail.example.com refused it",
    };
    const w = show("/alerts", {
      "Alerts.List": () => alerts([], { channels: [channel] }),
      "Alerts.Test": refuse({ code: "notify_failed", message: "mail.example.com refused the test" }),
    });
    expect(await screen.findByText("Nothing is wrong")).toBeTruthy();
    expect(screen.getByText("fails, 2 wait")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Test ops" }));
    expect(await screen.findByText(/mail.example.com refused the test/)).toBeTruthy();
    expect(w.of("Alerts.Test")).toEqual([["ops"]]);
  });

  it("says where none are kept, and that nobody evaluates", async () => {
    const w = show("/alerts", { "Alerts.List": () => alerts([], { kept: false, reason: "the schema shard_admin is not installed" }) });
    expect(await screen.findByText("No alerts are kept")).toBeTruthy();
    expect(screen.getByText("the schema shard_admin is not installed")).toBeTruthy();
    w.answer("Alerts.List", () => alerts([], { evaluated: false }));
    fireEvent.click(screen.getByLabelText("Show what is over"));
    expect(await screen.findByText(/Nobody evaluates alerts now/)).toBeTruthy();
    expect(w.path()).toBe("/alerts?all=true");
  });
});
