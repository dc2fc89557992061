import { fireEvent, screen, waitFor } from "@testing-library/react";
import { expect, it } from "vitest";
import { show } from "../../test/world";

it("leads from an operator to what they did", async () => {
  const operator = { email: "ann@example.com", role: "admin", db_role: "ops" };
  const w = show("/settings?tab=policy", {
    "Settings.Policy": () => ({ me: { ...operator, listed: true, why: "" }, operators: [operator], flags: [] }),
  });
  fireEvent.click(await screen.findByRole("link", { name: "ann@example.com" }));
  await waitFor(() => expect(w.path()).toBe("/audit?actor=ann@example.com"));
  await waitFor(() => expect(w.of("Audit.List").at(-1)?.[0]).toMatchObject({ actor: "ann@example.com" }));
});
