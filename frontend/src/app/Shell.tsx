import { Menu, useComputedColorScheme, useMantineColorScheme } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useRouter } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { api, keys, on, toProblem } from "../bridge";
import { FirstStart } from "../screens/first-start/Screen";
import { Age } from "../ui/Age";
import { setUTC, useUTC } from "../ui/clock";
import { Environment } from "../ui/Environment";
import { ErrorPanel } from "../ui/ErrorPanel";
import { count, plural } from "../ui/format";
import { GoodNews } from "../ui/Good";
import { Icon } from "../ui/icons";
import { Mark } from "../ui/Status";
import { Waiting } from "../ui/Waiting";
import { type ActionId, action, type Reach } from "./actions";
import { currentFleet, useEvents, useInfo, useMoves, useStatus } from "./current";
import { KeysHelp } from "./KeysHelp";
import { getLive, intervals, setLive, useLive } from "./live";
import { OperatorDialog } from "./Operator";
import { Palette } from "./Palette";
import { ReachProvider } from "./Reach";
import { useKeys } from "./useKeys";
import { usePreferences } from "./usePreferences";

const places: { id: ActionId; to: string }[] = [
  { id: "go.fleet", to: "/" },
  { id: "go.tenants", to: "/tenants" },
  { id: "go.moves", to: "/moves" },
  { id: "go.map", to: "/map" },
  { id: "go.audit", to: "/audit" },
  { id: "go.settings", to: "/settings" },
];

function within(path: string, to: string): boolean {
  return to === "/" ? path === "/" || path.startsWith("/shards") : path === to || path.startsWith(`${to}/`);
}

/** Shell surrounds every screen. */
export function Shell() {
  useEvents();
  usePreferences();
  const router = useRouter();
  const client = useQueryClient();
  const info = useInfo();
  const fleet = currentFleet(info.data);
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const utc = useUTC();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [operator, setOperator] = useState(false);

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
    }),
    [router, client, scheme, setColorScheme, utc],
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
            <FirstStart operator={info.data.operator} />
          </main>
        ) : (
          <>
            <TopBar onSearch={() => setPalette(true)} />
            <div className="body">
              <Sidebar onOperator={() => setOperator(true)} />
              <Outlet />
            </div>
          </>
        )}
        <Palette open={palette} onClose={() => setPalette(false)} reach={reach} />
        <KeysHelp open={help} onClose={() => setHelp(false)} />
        <OperatorDialog open={operator} email={info.data.operator} onClose={() => setOperator(false)} />
        <GoodNews />
      </div>
    </ReachProvider>
  );
}

const titles: Record<string, string> = {
  shards: "Fleet",
  tenants: "Tenants",
  moves: "Moves",
  map: "Table map",
  audit: "Audit",
  settings: "Settings",
};

function Crumbs() {
  const { pathname } = useLocation();
  const parts = pathname.split("/").filter(Boolean);
  const first = parts[0];
  if (!first)
    return (
      <nav className="crumbs" aria-label="Where you are">
        <b>Fleet</b>
      </nav>
    );
  const rest = parts.slice(1).map(decodeURIComponent).join(" / ");
  const home = first === "shards" ? "/" : `/${first}`;
  return (
    <nav className="crumbs" aria-label="Where you are">
      {rest ? <Link to={home}>{titles[first] ?? first}</Link> : <b>{titles[first] ?? first}</b>}
      {rest ? <span aria-hidden="true">/</span> : null}
      {rest ? <b className="cut">{rest === "new" ? "new" : rest}</b> : null}
    </nav>
  );
}

function TopBar({ onSearch }: { onSearch: () => void }) {
  const info = useInfo();
  const client = useQueryClient();
  const fleet = currentFleet(info.data);
  const use = useMutation({
    mutationFn: (name: string) => api.useFleet(name),
    onSuccess: (next) => {
      client.setQueryData(keys.info, next);
      void client.resetQueries({ queryKey: keys.fleet });
    },
  });
  const router = useRouter();
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
          <Menu.Item onClick={() => void router.navigate({ to: "/settings", search: { tab: "fleets", add: true } })}>
            {action("fleet.connect").title}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {fleet ? <Environment name={fleet.environment} /> : null}
      <Crumbs />
      {use.error ? <span className="tone-bad small">{toProblem(use.error).message}</span> : null}
      <button type="button" className="search" onClick={onSearch}>
        <span>Search shards, tenants, actions</span>
        <kbd>Ctrl K</kbd>
      </button>
      <Running />
      <LiveButton />
    </header>
  );
}

/** Running says how many moves are under way, here and in the page's title. */
function Running() {
  const moves = useMoves();
  const open = (moves.data?.moves ?? []).filter((m) => !m.settled);
  const stuck = (moves.data?.moves ?? []).filter((m) => m.settled && (m.state === "failed" || (m.state === "ready" && m.held)));
  const one = open.length === 1 ? open[0] : undefined;
  const share = one && one.rows > 0 ? Math.min(100, Math.round((one.rows_copied / one.rows) * 100)) : undefined;
  useEffect(() => {
    document.title = one
      ? `${share === undefined ? "" : `${share} % · `}${one.label} → ${one.target} · Shard Admin`
      : open.length > 1
        ? `${open.length} moves · Shard Admin`
        : "Shard Admin";
  }, [one, share, open.length]);
  if (open.length === 0 && stuck.length === 0) return null;
  return (
    <Link to="/moves" className="topitem">
      <Mark tone={open.length > 0 ? "run" : "warn"} />
      <b>
        {open.length > 0
          ? `${plural(open.length, "move")} running`
          : stuck.length === 1
            ? "1 move waits for you"
            : `${stuck.length} moves wait for you`}
      </b>
    </Link>
  );
}

function LiveButton() {
  const live = useLive();
  const status = useStatus();
  const [lost, setLost] = useState(false);
  useEffect(() => on("connection", (c) => setLost(c === "lost")), []);
  return (
    <Menu position="bottom-end" transitionProps={{ duration: 120 }}>
      <Menu.Target>
        <button type="button" className="topitem">
          {lost ? <Mark tone="bad" /> : live.paused ? <Icon name="pause" size={14} /> : null}
          {lost ? "Connection lost" : live.paused ? "Paused" : "Live"}
          {status.dataUpdatedAt ? <Age at={status.dataUpdatedAt} before="· " /> : null}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<Icon name={live.paused ? "play" : "pause"} />}
          onClick={() => setLive({ paused: !live.paused })}
          rightSection={<kbd>p</kbd>}
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

const foldKey = "shard-admin.folded";

function Sidebar({ onOperator }: { onOperator: () => void }) {
  const { pathname } = useLocation();
  const info = useInfo();
  const status = useStatus();
  const moves = useMoves();
  const [folded, setFolded] = useState<string | null>(() => localStorage.getItem(foldKey));
  const running = (moves.data?.moves ?? []).filter((m) => !m.settled).length;
  const badge: Partial<Record<ActionId, string>> = {
    "go.tenants": status.data?.tenants === null || status.data?.tenants === undefined ? "" : count(status.data.tenants),
    "go.moves": running > 0 ? String(running) : "",
  };
  const side = useRef<HTMLElement>(null);
  return (
    <nav className="side" data-folded={folded ?? undefined} aria-label="Screens" ref={side}>
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
            aria-label={a.title}
          >
            <Icon name={a.icon} />
            <span className="t">{a.title}</span>
            <span className="n num">{badge[p.id]}</span>
          </Link>
        );
      })}
      <div className="foot">
        <div className="who">
          {info.data?.operator ? (
            <>
              {info.data.operator}
              <br />
              <button type="button" className="linkish small" onClick={onOperator}>
                Change
              </button>{" "}
              · {info.data.version}
            </>
          ) : (
            <button type="button" className="linkish" onClick={onOperator}>
              Say who you are…
            </button>
          )}
        </div>
        <button
          type="button"
          className="fold"
          aria-label={folded === "true" ? "Unfold the sidebar" : "Fold the sidebar"}
          title={folded === "true" ? "Unfold the sidebar" : "Fold the sidebar"}
          onClick={() => {
            const narrow = (side.current?.clientWidth ?? 220) < 100;
            const next = String(!narrow);
            localStorage.setItem(foldKey, next);
            setFolded(next);
          }}
        >
          <Icon name={folded === "true" ? "unfold" : "fold"} />
        </button>
      </div>
    </nav>
  );
}
