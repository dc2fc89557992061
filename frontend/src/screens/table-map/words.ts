import type { MapTable } from "../../bridge";

const kinds: Record<string, [word: string, meaning: string]> = {
  root: ["Root", "the tenants table itself: its row is copied to the shard as a replica"],
  tenant: ["Tenant column", "each row names its tenant"],
  child: ["Child", "a foreign key leads to a row that belongs to a tenant"],
  declared: ["Declared", "the profile says how a row reaches its tenant"],
  owned_by_reference: ["Owned by reference", "a tenant's row points at it"],
  reference: ["Reference", "the same on every shard; it stays"],
  control: ["Control", "belongs to the control database; it stays"],
  excluded: ["Excluded", "the profile leaves it out; it stays"],
  unclassified: ["Unclassified", "nobody has said how its rows belong to a tenant; it blocks moves"],
};

export function kindWord(kind: string): string {
  return kinds[kind]?.[0] ?? kind.replaceAll("_", " ");
}

export function meaning(kind: string): string {
  return kinds[kind]?.[1] ?? "";
}

export function followsWord(follows: string): string {
  return follows === "true" ? "yes" : follows === "false" ? "no" : follows || "—";
}

export function followsMeaning(follows: string): string {
  switch (follows) {
    case "true":
      return "the application reads and writes it where the tenant's pointer says";
    case "false":
      return "the application does not follow the pointer here: a move would lose sight of these rows, so it is blocked";
    default:
      return "nobody has shown that the application follows the pointer here; finalizing asks for a reason";
  }
}

/** owner is how a row finds its tenant, "" for tables that belong to none. */
export function owner(t: MapTable): string {
  if (t.edges.length > 0) return t.edges.join(", ");
  if (t.path.length > 0) return t.path.join(" → ");
  return t.tenant_column;
}
