import { Menu, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useRouter } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState } from "react";
import { api, askForNotices, keys, on, type Permission, type TenantView, toProblem } from "../bridge";
import { FirstStart } from "../screens/first-start/Screen";
import { Age } from "../ui/Age";
import { setUTC, useUTC } from "../ui/clock";
import { Environment } from "../ui/Environment";
import { ErrorPanel } from "../ui/ErrorPanel";
import { count } from "../ui/format";
import { GoodNews, good } from "../ui/Good";
import { Icon } from "../ui/icons";
import { Mark } from "../ui/Status";
import { Waiting } from "../ui/Waiting";
import { type ActionId, action, keysOf, type Reach } from "./actions";
import { currentFleet, useAlarms, useEvents, useFiring, useInfo, useMoves, useOpenFleet, useStatus } from "./current";
import { newHere } from "./here";
import { Jobs } from "./Jobs";
import { KeysHelp } from "./KeysHelp";
import { getLive, intervals, setLive, useLive } from "./live";
import { OperatorDialog } from "./Operator";
import { Palette } from "./Palette";
import { apple } from "./platform";
import { ReachProvider, useAction } from "./Reach";
import { TrailAlarm } from "./TrailAlarm";
import { useTell, useTitle, waits } from "./tell";
import { useKeys } from "./useKeys";
import { usePreferences } from "./usePreferences";
import { VaultPrompt } from "./VaultPrompt";

const places: { id: ActionId; to: string }[] = [
  { id: "go.fleet", to: "/" },
  { id: "go.tenants", to: "/tenants" },
  { id: "go.moves", to: "/moves" },
  { id: "go.rebalance", to: "/rebalance" },
  { id: "go.alerts", to: "/alerts" },
  { id: "go.map", to: "/map" },
  { id: "go.audit", to: "/audit" },
  { id: "go.settings", to: "/settings" },
];

function within(path: string, to: string): boolean {
  return to === "/" ? path === "/" || path.startsWith("/shards") : path === to || path.startsWith(`${to}/`);
}

const foldKey = "shard-admin.folded";

/** narrow reports whether the sidebar is folded now, by choice or for want of room. */
function narrow(): boolean {
  return (document.querySelector(".side")?.clientWidth ?? 220) < 100;
}

const refusals: Partial<Record<Permission, string>> = {
  denied: "This browser was told not to show notices of this page. Allow them beside the address, then try again.",
  none: "This system has no place for notices. The top bar and the window's title say the same.",
  unasked: "Nothing was decided, so there are no notices yet.",
};

/** Shell surrounds every screen. */
export function Shell() {
  const router = useRouter();
  const openMove = useCallback((id: string) => router.history.push(`/moves/${encodeURIComponent(id)}`), [router]);
  // Before the lists hear of it: what a move was is compared with what it is.
  useTell(openMove);
  useEvents();
  usePreferences();
  const client = useQueryClient();
  const info = useInfo();
  const fleet = currentFleet(info.data);
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const utc = useUTC();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [operator, setOperator] = useState(false);
  const [refusal, setRefusal] = useState("");
  const [folded, setFolded] = useState<string | null>(() => localStorage.getItem(foldKey));
  const [here] = useState(newHere);
  const use = useOpenFleet();

  const reach = useMemo<Reach>(
    () => ({
      go: (to) => router.history.push(to),
      toggleLive: () => setLive({ paused: !getLive().paused }),
      toggleTheme: () => {
        const next = scheme === "dark" ? "light" : "dark";
        setColorScheme(next);
        void api.set("theme", next).then(() => client.invalidateQueries({ queryKey: keys.settings }));
      },
      toggleZone: () => {
        setUTC(!utc);
        void api.set("time_zone", utc ? "local" : "utc").then(() => client.invalidateQueries({ queryKey: keys.settings }));
      },
      refresh: () => void client.invalidateQueries(),
      palette: () => setPalette(true),
      help: () => setHelp(true),
      who: () => setOperator(true),
      toggleSide: () => {
        const next = String(!narrow());
        localStorage.setItem(foldKey, next);
        setFolded(next);
      },
      tell: () =>
        void askForNotices().then((p) => {
          setRefusal(refusals[p] ?? "");
          if (p === "granted") good("You are told when a move needs you or ends, while this page is open");
        }),
      here,
    }),
    [router, client, scheme, setColorScheme, utc, here],
  );
  useKeys(reach);

  if (info.isError)
    return (
      <main className="main" style={{ maxWidth: 720, margin: "48px auto" }}>
        <h1 style={{ marginBottom: 16 }}>Shard Admin</h1>
        <ErrorPanel what="The program does not answer this page" problem={toProblem(info.error)} onRetry={() => void info.refetch()} />
      </main>
    );
  if (!info.data) return <Waiting what="what is here" rows={6} />;

  return (
    <ReachProvider value={reach}>
      <div className="shell">
        <a className="skip" href="#main">
          Skip to the content
        </a>
        <div className="envline" data-env={fleet?.environment ?? ""} />
        {info.data.first_start ? (
          <main className="main" id="main">
            <VaultPrompt />
            <FirstStart operator={info.data.operator} />
          </main>
        ) : (
          <>
            <TopBar use={use} />
            {refusal ? (
              <div className="notice warn strip" role="alert">
                <Mark tone="warn" />
                <span>{refusal}</span>
                <button type="button" className="linkish end" onClick={() => setRefusal("")}>
                  Close
                </button>
              </div>
            ) : null}
            <TrailAlarm />
            <VaultPrompt />
            <div className="body">
              <Sidebar folded={folded} />
              <Outlet />
            </div>
          </>
        )}
        <Palette open={palette} onClose={() => setPalette(false)} reach={reach} use={use.mutate} />
        <KeysHelp open={help} onClose={() => setHelp(false)} />
        <OperatorDialog open={operator} email={info.data.operator} onClose={() => setOperator(false)} />
        <GoodNews />
      </div>
    </ReachProvider>
  );
}

const homes: Record<string, "/tenants" | "/moves" | "/rebalance" | "/alerts" | "/map" | "/audit" | "/settings"> = {
  tenants: "/tenants",
  moves: "/moves",
  rebalance: "/rebalance",
  alerts: "/alerts",
  map: "/map",
  audit: "/audit",
  settings: "/settings",
};

const titles: Record<string, string> = {
  shards: "Fleet",
  tenants: "Tenants",
  moves: "Moves",
  rebalance: "Rebalance",
  alerts: "Alerts",
  map: "Table map",
  audit: "Audit",
  settings: "Settings",
};

/** useTenantName is what people call a tenant, once a screen has read it. */
function useTenantName(id: string): string {
  const known = useQuery<TenantView>({ queryKey: keys.found(id), queryFn: () => api.findTenant(id), enabled: false });
  return known.data?.label || id;
}

function Crumbs() {
  const { pathname } = useLocation();
  const parts = pathname.split("/").filter(Boolean).map(decodeURIComponent);
  const [first, second] = parts;
  const tenant = useTenantName(first === "tenants" && second ? second : "");
  const moves = useMoves();
  const rest =
    first === "tenants"
      ? tenant
      : first === "moves" && second === "new"
        ? "New"
        : first === "moves" && second
          ? moves.data?.moves.find((m) => m.id === second)?.label || second
          : parts.slice(1).join(" / ");
  const title = first ? (titles[first] ?? first) : "Fleet";
  useTitle(moves.data?.moves ?? [], rest || title);
  return (
    <nav className="crumbs" aria-label="Where you are">
      {rest ? <Link to={homes[first ?? ""] ?? "/"}>{title}</Link> : <b>{title}</b>}
      {rest ? <span aria-hidden="true">/</span> : null}
      {rest ? (
        <b className="cut" title={rest}>
          {rest}
        </b>
      ) : null}
    </nav>
  );
}

function TopBar({ use }: { use: ReturnType<typeof useOpenFleet> }) {
  const search = useAction("palette");
  const connect = useAction("fleet.connect", "menu");
  const moves = useMoves();
  const info = useInfo();
  const fleet = currentFleet(info.data);
  return (
    <header className="topbar">
      <Menu position="bottom-start" transitionProps={{ duration: 120 }}>
        <Menu.Target>
          <button type="button" className="topitem" aria-label={`Fleet ${fleet?.name ?? "none"}: choose another`}>
            <b className="strong">{fleet?.name ?? "no fleet"}</b>
            <span className="caret row">
              <Icon name="caret" size={14} />
            </span>
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          {(info.data?.fleets ?? []).map((f) => (
            <Menu.Item
              key={f.name}
              onClick={() => use.mutate(f.name)}
              disabled={f.error !== ""}
              rightSection={<Environment name={f.environment} />}
              leftSection={f.current ? <Icon name="done" /> : <span style={{ width: 16 }} />}
            >
              {f.name}
              {f.error ? <span className="small faint"> · {f.error}</span> : null}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item onClick={connect}>{action("fleet.connect").title}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {fleet ? <Environment name={fleet.environment} /> : null}
      <Crumbs />
      {use.error ? (
        <span className="tone-bad small cut" role="alert" title={toProblem(use.error).hint}>
          {toProblem(use.error).message}
        </span>
      ) : null}
      <button type="button" className="search" onClick={search}>
        <Icon name="search" size={14} />
        <span>Search shards, tenants, actions</span>
        <kbd>{keysOf(action("palette"), apple())}</kbd>
      </button>
      <Jobs moves={moves.data?.moves ?? []} mode={info.data?.mode ?? ""} />
      <LiveButton />
      <ZoneButton />
    </header>
  );
}

/** ZoneButton says in which zone times are written, and switches. */
function ZoneButton() {
  const utc = useUTC();
  const toggle = useAction("zone");
  return (
    <button type="button" className="topitem zone" onClick={toggle} title={`Times are ${utc ? "in UTC" : "local"} (u switches)`}>
      {utc ? "UTC" : "Local"}
    </button>
  );
}

function LiveButton() {
  const live = useLive();
  const toggle = useAction("live", "menu");
  const status = useStatus();
  const [lost, setLost] = useState(false);
  useEffect(() => on("connection", (c) => setLost(c === "lost")), []);
  return (
    <Menu position="bottom-end" transitionProps={{ duration: 120 }}>
      <Menu.Target>
        <button type="button" className="topitem">
          {lost ? (
            <Mark tone="bad" />
          ) : status.isError ? (
            <Mark tone="warn" />
          ) : live.paused ? (
            <Icon name="pause" size={14} />
          ) : (
            <i className="pulse" aria-hidden="true" />
          )}
          {lost ? "Connection lost" : status.isError ? "Not read" : live.paused ? "Paused" : "Live"}
          {status.dataUpdatedAt ? <Age at={status.dataUpdatedAt} before="· " /> : null}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<Icon name={live.paused ? "play" : "pause"} />}
          onClick={toggle}
          rightSection={<kbd>{action("live").keys}</kbd>}
        >
          {live.paused ? "Resume" : "Pause"}
        </Menu.Item>
        <Menu.Divider />
        {intervals.map((ms) => (
          <Menu.Item
            key={ms}
            onClick={() => setLive({ every: ms, paused: false })}
            leftSection={live.every === ms ? <Icon name="done" /> : <span style={{ width: 16 }} />}
          >
            every {ms < 60_000 ? `${ms / 1000} s` : "minute"}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function Sidebar({ folded }: { folded: string | null }) {
  const who = useAction("who");
  const fold = useAction("fold");
  const { pathname } = useLocation();
  const info = useInfo();
  const status = useStatus();
  const moves = useMoves();
  const running = (moves.data?.moves ?? []).filter((m) => !m.settled).length;
  const waiting = (moves.data?.moves ?? []).filter(waits).length;
  const firing = useFiring();
  const alarms = useAlarms().data?.alarms.length ?? 0;
  const badge: Partial<Record<ActionId, string>> = {
    "go.tenants": status.data?.tenants === null || status.data?.tenants === undefined ? "" : count(status.data.tenants),
    "go.alerts": firing > 0 ? String(firing) : "",
    "go.audit": alarms > 0 ? "alarm" : "",
    "go.moves": waiting > 0 ? String(waiting) : running > 0 ? String(running) : "",
  };
  return (
    <nav className="side" data-folded={folded ?? undefined} aria-label="Screens">
      {places.map((p) => {
        const a = action(p.id);
        const here = within(pathname, p.to);
        return (
          <Link
            key={p.id}
            to={p.to}
            data-on={here}
            aria-current={here ? "page" : undefined}
            title={`${a.title} (${a.keys})`}
            aria-label={
              p.id === "go.moves" && waiting > 0
                ? `${a.title}, ${waiting} waiting for you`
                : p.id === "go.audit" && alarms > 0
                  ? `${a.title}, the trail disagrees with its copy`
                  : a.title
            }
          >
            <Icon name={a.icon} />
            <span className="t">{a.title}</span>
            {badge[p.id] ? (
              <span className={`n num${p.id === "go.moves" && waiting > 0 ? " tone-warn" : p.id === "go.audit" ? " tone-bad" : ""}`}>
                {badge[p.id]}
              </span>
            ) : null}
          </Link>
        );
      })}
      <div className="foot">
        <div className="who">
          {info.data?.operator ? (
            <>
              <span className="cut name" title={info.data.operator}>
                {info.data.operator}
              </span>
              <button type="button" className="linkish small" onClick={who}>
                Change
              </button>
              <span> · {info.data.version}</span>
            </>
          ) : (
            <button type="button" className="linkish" onClick={who}>
              Say who you are…
            </button>
          )}
        </div>
        <button
          type="button"
          className="fold"
          aria-label={folded === "true" ? "Unfold the sidebar" : "Fold the sidebar"}
          title={folded === "true" ? "Unfold the sidebar" : "Fold the sidebar"}
          onClick={fold}
        >
          <Icon name={folded === "true" ? "unfold" : "fold"} />
        </button>
      </div>
    </nav>
  );
}
