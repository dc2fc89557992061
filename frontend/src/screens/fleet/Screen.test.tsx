import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import {
  distribution,
  event,
  health,
  info,
  move,
  rebalanceDimension,
  shard,
  silentShard,
  status,
  unconfiguredShard,
} from "../../test/factories";
import { refuse, show } from "../../test/world";

const partial = [
  shard({ name: "default", in_control: true }),
  silentShard({ name: "shard_1", tenants: 12 }),
  unconfiguredShard({ name: "shard_3" }),
];

describe("the fleet", () => {
  it("shows the shards that answer, says what is wrong with the one that does not, and tries it again", async () => {
    const w = show("/", {
      "Overview.Status": () => status(partial),
      "Overview.Distribution": () => ({
        ...distribution(partial),
        dimensions: [
          rebalanceDimension("bytes"),
          rebalanceDimension("count", { recommended: true, reason: "default has too many tenants" }),
        ],
      }),
      "Overview.Health": () => ({ shards: [health("shard_1", [{ severity: "critical", message: "the shard does not answer" }])] }),
    });
    expect(await screen.findByText("1 of 2 shards answer")).toBeTruthy();
    expect(screen.getByText("12 on a silent shard")).toBeTruthy();
    const also = await screen.findByRole("link", { name: "By count as well" });
    expect(also.getAttribute("href")).toContain("by=count");
    expect(also.parentElement?.textContent).toContain("default has too many tenants");
    const cards = within(screen.getByRole("region", { name: "Shards" })).getAllByRole("listitem");
    expect(cards.map((c) => c.querySelector("a")?.textContent)).toEqual(["shard_1", "default", "shard_3"]);
    expect(cards[0]?.textContent).toContain("connection refused");
    expect(cards[0]?.textContent).toContain("No answer");
    // Unknown is a dash with its reason, never nothing.
    expect(within(cards[0] as HTMLElement).getAllByTitle("db9.example:5432: connection refused").length).toBeGreaterThan(0);
    expect(cards[2]?.textContent).toContain("Not configured");
    await waitFor(() => expect(screen.getByText(/without shard_1: 1 size not known/)).toBeTruthy());
    expect(screen.getByText("MB, 1 of 2")).toBeTruthy();

    const before = w.of("Overview.Status").length;
    w.answer("Overview.Status", () => status([shard({ name: "default" }), shard({ name: "shard_1" })]));
    fireEvent.click(screen.getByRole("button", { name: "Retry shard_1" }));
    expect(await screen.findByText("2 of 2 shards answer")).toBeTruthy();
    expect(w.of("Overview.Status").length).toBeGreaterThan(before);
    expect(screen.queryByRole("button", { name: /^Retry/ })).toBeNull();
  });

  it("shows the key of an SSH host that nobody has accepted, each on the way, and trusts it when told", async () => {
    const problem = { code: "ssh_host_key_unknown", message: "nobody has accepted the key of jump:22", hint: "compare it", safe: "" };
    const shards = [shard({ name: "default", in_control: true }), silentShard({ name: "shard_1", problem })];
    const key = (host: string) => ({
      host: `${host}:22`,
      key_type: "ssh-ed25519",
      fingerprint: `SHA256:${host}`,
      file: "/home/ann/.ssh/known_hosts",
      way: ["jump", "bastion"].map((h) => ({ user: "ann", host: h, port: 22, fingerprint: null })),
    });
    const w = show("/", {
      "Overview.Status": () => status(shards),
      "Settings.UnknownHost": () => ({ database: "shard_1", unknown: key("jump") }),
      "Settings.TrustHost": () => ({ database: "shard_1", unknown: key("bastion") }),
    });
    fireEvent.click(await screen.findByRole("button", { name: "See the key on the way to shard_1" }));
    const dialog = await screen.findByRole("dialog");
    expect(await within(dialog).findByText("SHA256:jump")).toBeTruthy();
    expect(within(dialog).getByText("ssh-ed25519")).toBeTruthy();
    expect(within(dialog).getByText("ann@jump:22 → ann@bastion:22 → shard_1")).toBeTruthy();
    expect(w.of("Settings.TrustHost")).toEqual([]);
    fireEvent.click(within(dialog).getByRole("button", { name: "Trust this key" }));
    expect(await within(dialog).findByText("SHA256:bastion")).toBeTruthy();
    w.answer("Settings.TrustHost", () => ({ database: "shard_1", unknown: null }));
    const before = w.of("Overview.Status").length;
    fireEvent.click(within(dialog).getByRole("button", { name: "Trust this key" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(w.of("Settings.TrustHost")).toEqual(
      ["SHA256:jump", "SHA256:bastion"].map((f) => [{ fleet: "estates", database: "shard_1" }, f]),
    );
    await waitFor(() => expect(w.of("Overview.Status").length).toBeGreaterThan(before));
  });

  it("never offers to trust a changed key, and says both fingerprints", async () => {
    const problem = {
      code: "ssh_host_key_changed",
      message: "jump:22 shows SHA256:new in place of SHA256:old",
      hint: "ask whoever runs the host",
      safe: "",
    };
    const shards = [shard({ name: "default", in_control: true }), silentShard({ name: "shard_1", problem })];
    show("/", { "Overview.Status": () => status(shards) });
    expect(await screen.findByText(/SHA256:new in place of SHA256:old/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: /See the key/ })).toBeNull();
  });

  it("is a table past twelve shards, and cards again when asked", async () => {
    const many = Array.from({ length: 13 }, (_, i) => shard({ name: `shard_${i}` }));
    const w = show("/", { "Overview.Status": () => status(many) });
    expect(await screen.findByRole("columnheader", { name: "Connections" })).toBeTruthy();
    fireEvent.click(screen.getByRole("radio", { name: "Cards" }));
    await waitFor(() => expect(w.path()).toContain("view=cards"));
    expect(screen.queryByRole("columnheader", { name: "Connections" })).toBeNull();
  });

  it("lists what runs, with what closing the page means", async () => {
    show("/", { "Moves.List": () => ({ moves: [move(), move({ id: "m9", label: "old", state: "finalized", settled: true })] }) });
    const jobs = await screen.findByRole("region", { name: "Running jobs" });
    expect(within(jobs).getAllByRole("listitem")).toHaveLength(1);
    expect(within(jobs).getByText("250 of 1,000 rows")).toBeTruthy();
    expect(within(jobs).getByText(/Closing this page stops nothing/)).toBeTruthy();
  });

  it("says that it may only be looked at, and why", async () => {
    show("/", {
      "Shell.Info": () => info({ operator: "" }),
      "Overview.Status": () => status([shard()], { installed: false, install_note: "look only: no schema" }),
    });
    expect(await screen.findByText("look only: no schema")).toBeTruthy();
    expect(screen.getByText(/nothing changed/)).toBeTruthy();
  });

  it("says what failed where the whole cannot be read, and keeps it on the screen", async () => {
    show("/", { "Overview.Status": refuse({ code: "profile_invalid", message: "the profile cannot be read", hint: "mend it" }) });
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("The shards could not be read");
    expect(alert.textContent).toContain("profile_invalid");
    expect(screen.getAllByTitle("the profile cannot be read").length).toBeGreaterThan(0);
  });

  it("tells what happened, once for each thing", async () => {
    show("/", {
      "Overview.Recent": () => ({
        events: [
          event({ seq: 3, details: { label: "site-7" } }),
          event({ seq: 2, phase: "intent", status: "begun" }),
          event({ seq: 1, action: "fleet.install", tenant: "", source: "", target: "" }),
        ],
      }),
    });
    const recent = await screen.findByRole("region", { name: "Recent activity" });
    await waitFor(() => expect(within(recent).getAllByRole("listitem")).toHaveLength(2));
    expect(recent.textContent).toContain("Assignment site-7 default → shard_1");
  });
});
