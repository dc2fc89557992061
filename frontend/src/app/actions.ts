import type { IconName } from "../ui/icons";
import type { Here } from "./here";

/** How an action was called for. */
export type Via = "palette" | "key" | "button" | "menu";

/** Where actions may lead to. */
export interface Reach {
  go: (to: string) => void;
  toggleLive: () => void;
  toggleTheme: () => void;
  toggleZone: () => void;
  toggleSide: () => void;
  refresh: () => void;
  palette: () => void;
  help: () => void;
  who: () => void;
  tell: () => void;
  /** What the screen in sight can do. */
  here: Here;
}

export interface Action {
  id: string;
  title: string;
  group: "Go to" | "Here" | "Do";
  icon: IconName;
  /** Keys as they are pressed, one after the other. */
  keys?: string;
  /** Without it the screen in sight carries the action out; no screen, no action. */
  run?: (reach: Reach) => void;
}

/** Every action of the page: the palette, the sidebar, menus, buttons and keys all read this table. */
export const actions = [
  { id: "go.fleet", title: "Fleet", group: "Go to", icon: "fleet", keys: "g f", run: (r) => r.go("/") },
  { id: "go.tenants", title: "Tenants", group: "Go to", icon: "tenants", keys: "g t", run: (r) => r.go("/tenants") },
  { id: "go.moves", title: "Moves", group: "Go to", icon: "moves", keys: "g m", run: (r) => r.go("/moves") },
  { id: "go.rebalance", title: "Rebalance", group: "Go to", icon: "balance", keys: "g b", run: (r) => r.go("/rebalance") },
  { id: "go.alerts", title: "Alerts", group: "Go to", icon: "bell", keys: "g l", run: (r) => r.go("/alerts") },
  { id: "go.map", title: "Table map", group: "Go to", icon: "map", keys: "g p", run: (r) => r.go("/map") },
  { id: "go.audit", title: "Audit", group: "Go to", icon: "audit", keys: "g a", run: (r) => r.go("/audit") },
  { id: "go.settings", title: "Settings", group: "Go to", icon: "settings", keys: "g s", run: (r) => r.go("/settings") },

  { id: "tenant.assign", title: "Assign to another shard…", group: "Here", icon: "tenants", keys: "a" },
  { id: "tenants.assign", title: "Assign many tenants…", group: "Here", icon: "tenants" },
  { id: "tenants.export", title: "Export what is shown", group: "Here", icon: "audit", keys: "e" },
  { id: "tenants.check", title: "Check placement", group: "Here", icon: "done", keys: "c" },
  { id: "tenants.clear", title: "Clear filters and selection", group: "Here", icon: "close", keys: "x" },
  { id: "rebalance.apply", title: "Queue the plan's moves…", group: "Here", icon: "moves", keys: "b" },
  { id: "shard.check", title: "Check this shard now", group: "Here", icon: "done", keys: "c" },
  { id: "shard.tenants", title: "List its tenants", group: "Here", icon: "tenants", keys: "t" },
  { id: "session.cancel", title: "Cancel what a session runs…", group: "Here", icon: "close" },
  { id: "session.end", title: "End a session…", group: "Here", icon: "bad" },

  { id: "move.start", title: "Move a tenant…", group: "Do", icon: "moves", keys: "m", run: (r) => r.go("/moves/new") },
  { id: "queue.pause", title: "Pause the queue of moves…", group: "Do", icon: "pause", run: (r) => r.go("/moves?queue=pause") },
  { id: "queue.resume", title: "Go on with the queue of moves…", group: "Do", icon: "play", run: (r) => r.go("/moves?queue=resume") },
  { id: "fleet.connect", title: "Connect a fleet…", group: "Do", icon: "fleet", run: (r) => r.go("/settings?tab=fleets&add=true") },
  { id: "who", title: "Say who works here…", group: "Do", icon: "tenants", run: (r) => r.who() },
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
  { id: "tell", title: "Notify me when a move needs me or ends", group: "Do", icon: "info", run: (r) => r.tell() },
  { id: "theme", title: "Switch between light and dark", group: "Do", icon: "settings", run: (r) => r.toggleTheme() },
  { id: "zone", title: "Show times in UTC or local", group: "Do", icon: "settings", keys: "u", run: (r) => r.toggleZone() },
  { id: "fold", title: "Fold or unfold the sidebar", group: "Do", icon: "fold", keys: "[", run: (r) => r.toggleSide() },
  { id: "palette", title: "Search and commands", group: "Do", icon: "search", keys: "Ctrl K", run: (r) => r.palette() },
  { id: "help", title: "Keyboard shortcuts", group: "Do", icon: "info", keys: "?", run: (r) => r.help() },
] as const satisfies readonly Action[];

export type ActionId = (typeof actions)[number]["id"];

const table: readonly Action[] = actions;

export function action(id: ActionId): Action {
  const found = table.find((a) => a.id === id);
  if (!found) throw new Error(`there is no action ${id}`);
  return found;
}

/** possible lists what can be done now, in the table's order. */
export function possible(reach: Reach): readonly Action[] {
  return table.filter((a) => a.run !== undefined || reach.here.get(a.id) !== undefined);
}

/** perform carries an action out: the screen in sight before the table's own way. */
export function perform(a: Action, reach: Reach, via: Via): void {
  const here = reach.here.get(a.id);
  if (here) here(via);
  else a.run?.(reach);
}

/** keysOf writes an action's keys as this computer's keyboard names them. */
export function keysOf(a: Action, apple: boolean): string {
  return (a.keys ?? "").replace("Ctrl ", apple ? "⌘ " : "Ctrl ");
}
