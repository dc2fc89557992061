import {
  createBrowserHistory,
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  type RouterHistory,
} from "@tanstack/react-router";
import { AlertsScreen } from "../screens/alerts/Screen";
import type { Asked } from "../screens/audit/address";
import { AuditScreen } from "../screens/audit/Screen";
import { FleetScreen } from "../screens/fleet/Screen";
import { MoveWizard } from "../screens/move-wizard/Screen";
import { MoveScreen } from "../screens/moves/Move";
import { MovesScreen } from "../screens/moves/Screen";
import { RebalanceScreen } from "../screens/rebalance/Screen";
import { SettingsScreen } from "../screens/settings/Screen";
import { ShardScreen } from "../screens/shard/Screen";
import { TableMapScreen } from "../screens/table-map/Screen";
import { TenantScreen } from "../screens/tenant/Screen";
import { TenantsScreen } from "../screens/tenants/Screen";
import { Empty } from "../ui/Empty";
import { Crash } from "./Crash";
import { Main } from "./Main";
import { Shell } from "./Shell";

const text = (v: unknown): string | undefined => (typeof v === "string" && v !== "" ? v : typeof v === "number" ? String(v) : undefined);
const flag = (v: unknown): true | undefined => (v === true || v === "true" ? true : undefined);

const root = createRootRoute({
  component: Shell,
  errorComponent: Crash,
  notFoundComponent: () => (
    <Main>
      <Empty title="There is no such screen">Take one from the left, or press Ctrl K.</Empty>
    </Main>
  ),
});
const at = () => root;

const routes = [
  createRoute({
    getParentRoute: at,
    path: "/",
    component: FleetScreen,
    validateSearch: (s: Record<string, unknown>): { sort?: string; view?: string; by?: string; tab?: string } => ({
      tab: text(s.tab),
      sort: text(s.sort),
      view: text(s.view),
      by: text(s.by),
    }),
  }),
  createRoute({
    getParentRoute: at,
    path: "/shards/$name",
    component: ShardScreen,
    validateSearch: (s: Record<string, unknown>): { tab?: string; range?: string; q?: string; sort?: string } => ({
      tab: text(s.tab),
      range: text(s.range),
      q: text(s.q),
      sort: text(s.sort),
    }),
  }),
  createRoute({
    getParentRoute: at,
    path: "/tenants",
    component: TenantsScreen,
    validateSearch: (
      s: Record<string, unknown>,
    ): {
      q?: string;
      shard?: string;
      state?: string;
      size?: string;
      demo?: string;
      sort?: string;
      cols?: string;
      sel?: string;
    } => ({
      q: text(s.q),
      shard: text(s.shard),
      state: text(s.state),
      size: text(s.size),
      demo: text(s.demo),
      sort: text(s.sort),
      cols: text(s.cols),
      sel: text(s.sel),
    }),
  }),
  createRoute({
    getParentRoute: at,
    path: "/tenants/$id",
    component: TenantScreen,
    validateSearch: (s: Record<string, unknown>): { assign?: true; sort?: string } => ({ assign: flag(s.assign), sort: text(s.sort) }),
  }),
  createRoute({
    getParentRoute: at,
    path: "/moves",
    component: MovesScreen,
    validateSearch: (s: Record<string, unknown>): { q?: string; show?: string; sort?: string; queue?: string } => ({
      q: text(s.q),
      show: text(s.show),
      sort: text(s.sort),
      queue: text(s.queue),
    }),
  }),
  createRoute({
    getParentRoute: at,
    path: "/moves/new",
    component: MoveWizard,
    validateSearch: (s: Record<string, unknown>): { tenant?: string; target?: string } => ({
      tenant: text(s.tenant),
      target: text(s.target),
    }),
  }),
  createRoute({ getParentRoute: at, path: "/moves/$id", component: MoveScreen }),
  createRoute({
    getParentRoute: at,
    path: "/alerts",
    component: AlertsScreen,
    validateSearch: (s: Record<string, unknown>): { all?: true } => ({ all: flag(s.all) }),
  }),
  createRoute({
    getParentRoute: at,
    path: "/rebalance",
    component: RebalanceScreen,
    validateSearch: (s: Record<string, unknown>): { plan?: string; by?: string } => ({ plan: text(s.plan), by: text(s.by) }),
  }),
  createRoute({
    getParentRoute: at,
    path: "/map",
    component: TableMapScreen,
    validateSearch: (s: Record<string, unknown>): { q?: string; kind?: string; sort?: string; view?: string; table?: string } => ({
      view: text(s.view),
      table: text(s.table),
      q: text(s.q),
      kind: text(s.kind),
      sort: text(s.sort),
    }),
  }),
  createRoute({
    getParentRoute: at,
    path: "/audit",
    component: AuditScreen,
    validateSearch: (s: Record<string, unknown>): Asked & { event?: string } => ({
      q: text(s.q),
      tenant: text(s.tenant),
      actor: text(s.actor),
      shard: text(s.shard),
      action: text(s.action),
      outcome: text(s.outcome),
      since: text(s.since),
      until: text(s.until),
      event: text(s.event),
    }),
  }),
  createRoute({
    getParentRoute: at,
    path: "/settings",
    component: SettingsScreen,
    validateSearch: (s: Record<string, unknown>): { tab?: string; add?: true } => ({ tab: text(s.tab), add: flag(s.add) }),
  }),
] as const;

const tree = root.addChildren(routes);

/** newRouter keeps the place in the path; inside the window after the #, because there is no server that knows paths. */
export function newRouter(hash: boolean, history: RouterHistory = hash ? createHashHistory() : createBrowserHistory()) {
  return createRouter({ routeTree: tree, history, defaultErrorComponent: Crash });
}

export type AppRouter = ReturnType<typeof newRouter>;

declare module "@tanstack/react-router" {
  interface Register {
    router: AppRouter;
  }
}
