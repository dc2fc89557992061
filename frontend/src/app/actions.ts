import type { IconName } from "../ui/icons";

/** Where actions may lead to. */
export interface Reach {
  go: (to: string) => void;
  toggleLive: () => void;
  toggleTheme: () => void;
  toggleZone: () => void;
  refresh: () => void;
  palette: () => void;
  help: () => void;
}

export interface Action {
  id: string;
  title: string;
  group: "Go to" | "Do";
  icon: IconName;
  /** Keys as they are pressed, one after the other. */
  keys?: string;
  run: (reach: Reach) => void;
}

/** Every action of the page: the palette, the sidebar, buttons and keys all read this table. */
export const actions = [
  { id: "go.fleet", title: "Fleet", group: "Go to", icon: "fleet", keys: "g f", run: (r) => r.go("/") },
  { id: "go.tenants", title: "Tenants", group: "Go to", icon: "tenants", keys: "g t", run: (r) => r.go("/tenants") },
  { id: "go.moves", title: "Moves", group: "Go to", icon: "moves", keys: "g m", run: (r) => r.go("/moves") },
  { id: "go.map", title: "Table map", group: "Go to", icon: "map", keys: "g p", run: (r) => r.go("/map") },
  { id: "go.audit", title: "Audit", group: "Go to", icon: "audit", keys: "g a", run: (r) => r.go("/audit") },
  { id: "go.settings", title: "Settings", group: "Go to", icon: "settings", keys: "g s", run: (r) => r.go("/settings") },
  { id: "move.start", title: "Move a tenant…", group: "Do", icon: "moves", keys: "m", run: (r) => r.go("/moves/new") },
  { id: "fleet.connect", title: "Connect a fleet…", group: "Do", icon: "fleet", run: (r) => r.go("/settings?tab=fleets&add=true") },
  { id: "operator.set", title: "Operators and policy", group: "Do", icon: "settings", run: (r) => r.go("/settings?tab=policy") },
  {
    id: "install",
    title: "Install or upgrade the shard_admin schema",
    group: "Do",
    icon: "settings",
    run: (r) => r.go("/settings?tab=install"),
  },
  { id: "refresh", title: "Read everything again", group: "Do", icon: "run", keys: "r", run: (r) => r.refresh() },
  { id: "live", title: "Pause or resume live figures", group: "Do", icon: "pause", keys: "p", run: (r) => r.toggleLive() },
  { id: "theme", title: "Switch between light and dark", group: "Do", icon: "settings", run: (r) => r.toggleTheme() },
  { id: "zone", title: "Show times in UTC or local", group: "Do", icon: "settings", run: (r) => r.toggleZone() },
  { id: "palette", title: "Search and commands", group: "Do", icon: "search", keys: "Ctrl K", run: (r) => r.palette() },
  { id: "help", title: "Keyboard shortcuts", group: "Do", icon: "info", keys: "?", run: (r) => r.help() },
] as const satisfies readonly Action[];

export type ActionId = (typeof actions)[number]["id"];

export function action(id: ActionId): Action {
  const found: Action | undefined = actions.find((a) => a.id === id);
  if (!found) throw new Error(`there is no action ${id}`);
  return found;
}
