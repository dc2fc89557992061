import { fireEvent, screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { shard, status } from "../test/factories";
import { refuse, show } from "../test/world";
import { locked } from "./VaultPrompt";

const silent = status([
  shard({
    name: "default",
    reachable: false,
    problem: { code: "vault_locked", message: "nothing was given that opens the vault vault.age", hint: "", safe: "" },
  }),
]);

describe("the passphrase of the vault", () => {
  it("is asked for once, says when it is wrong, and is in no call but its own", async () => {
    let shut = true;
    const w = show("/", {
      "Overview.Status": () => (shut ? silent : status([shard({ name: "default" })])),
      "Settings.Vault": () => ({ made: true }),
      "Settings.UnlockVault": refuse({ code: "vault_refused", message: "the passphrase that was given does not open the vault" }),
    });
    expect(await screen.findByRole("dialog", { name: "The vault is locked" })).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
    expect(await screen.findByText(/The vault is locked, so no password/)).toBeTruthy();
    await waitFor(() => expect(screen.queryByLabelText("Passphrase")).toBeNull());
    fireEvent.click(screen.getByRole("button", { name: "Open the vault…" }));
    fireEvent.change(await screen.findByLabelText("Passphrase"), { target: { value: "a wr0ng phrase" } });
    fireEvent.click(screen.getByRole("button", { name: "Open the vault" }));
    expect(await screen.findByText(/does not open the vault/)).toBeTruthy();

    w.answer("Settings.UnlockVault", () => {
      shut = false;
      return { made: true };
    });
    const asked = w.of("Overview.Status").length;
    fireEvent.change(screen.getByLabelText("Passphrase"), { target: { value: "the r1ght phrase" } });
    fireEvent.click(screen.getByRole("button", { name: "Open the vault" }));
    await waitFor(() => expect(screen.queryByLabelText("Passphrase")).toBeNull());
    await waitFor(() => expect(w.of("Overview.Status").length).toBeGreaterThan(asked));
    expect(screen.queryByText(/The vault is locked, so no password/)).toBeNull();
    expect(w.of("Settings.UnlockVault")).toEqual([
      ["a wr0ng phrase", ""],
      ["the r1ght phrase", ""],
    ]);
    const others = w.calls.filter((c) => c.method !== "Settings.UnlockVault");
    expect(JSON.stringify(others)).not.toContain("phrase");
    expect(JSON.stringify(localStorage)).not.toContain("phrase");
  });

  it("is typed twice for a vault that is to be made", async () => {
    const w = show("/", {
      "Overview.Status": () => silent,
      "Settings.Vault": () => ({ made: false }),
      "Settings.UnlockVault": () => ({ made: false }),
    });
    expect(await screen.findByRole("dialog", { name: "A passphrase for the new vault" })).toBeTruthy();
    fireEvent.change(screen.getByLabelText("Passphrase"), { target: { value: "one phrase" } });
    fireEvent.change(screen.getByLabelText("Once more"), { target: { value: "another" } });
    fireEvent.click(screen.getByRole("button", { name: "Open the vault" }));
    await waitFor(() => expect(w.of("Settings.UnlockVault")).toEqual([["one phrase", "another"]]));
  });

  it("is not asked for where nothing says that the vault is locked", () => {
    expect(locked(silent)).toBe(true);
    expect(locked({ control: { problem: { code: "vault_locked" } }, shards: [] })).toBe(true);
    expect(locked(status([shard({})]))).toBe(false);
    expect(locked(null)).toBe(false);
    expect(locked({ problem: "vault_locked" })).toBe(false);
  });
});
