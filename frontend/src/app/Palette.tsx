import { Modal } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useId, useMemo, useState } from "react";
import { anyTenant, api, keys } from "../bridge";
import { Icon, type IconName } from "../ui/icons";
import { keysOf, perform, possible, type Reach } from "./actions";
import { useInfo, useStatus } from "./current";
import { apple } from "./platform";

interface Entry {
  id: string;
  group: string;
  title: string;
  detail: string;
  keys?: string;
  icon: IconName;
  run: () => void;
}

const most = 8;

interface Props {
  onClose: () => void;
  reach: Reach;
  /** Opens another fleet. */
  use: (fleet: string) => void;
}

/** Palette finds screens, actions, shards and tenants. */
export function Palette({ open, onClose, reach, use }: Props & { open: boolean }) {
  return (
    <Modal
      opened={open}
      onClose={onClose}
      withCloseButton={false}
      padding={0}
      size={600}
      yOffset="12vh"
      transitionProps={{ duration: 120 }}
      attributes={{ content: { "aria-label": "Search and commands" } }}
      styles={{ body: { padding: 0 } }}
    >
      {open ? <Search onClose={onClose} reach={reach} use={use} /> : null}
    </Modal>
  );
}

function Search({ onClose, reach, use }: Props) {
  const [text, setText] = useState("");
  const [asked, setAsked] = useState("");
  const [at, setAt] = useState(0);
  const list = useId();
  const status = useStatus();
  const info = useInfo();
  useEffect(() => {
    const t = setTimeout(() => setAsked(text.trim()), 150);
    return () => clearTimeout(t);
  }, [text]);
  const filter = { ...anyTenant, search: asked, sort: "label", limit: most };
  const tenants = useQuery({
    queryKey: keys.tenants(filter),
    queryFn: () => api.tenants(filter),
    enabled: asked.length > 0,
    staleTime: 10_000,
  });

  const entries = useMemo(() => {
    const q = text.trim().toLowerCase();
    const has = (s: string) => s.toLowerCase().includes(q);
    const out: Entry[] = [];
    // What the screen in sight offers comes first: it is what somebody looks at.
    const all = [...possible(reach)].sort((a, b) => Number(b.group === "Here") - Number(a.group === "Here"));
    for (const a of all) {
      if (a.id !== "palette" && (!q || has(a.title)))
        out.push({
          id: a.id,
          group: a.group,
          title: a.title,
          detail: "",
          keys: keysOf(a, apple()),
          icon: a.icon,
          run: () => perform(a, reach, "palette"),
        });
    }
    for (const f of info.data?.fleets ?? []) {
      if (!f.current && f.error === "" && (!q || has(f.name) || has(f.environment)))
        out.push({
          id: `fleet ${f.name}`,
          group: "Fleets",
          title: `Open fleet ${f.name}`,
          detail: f.environment,
          icon: "fleet",
          run: () => use(f.name),
        });
    }
    for (const s of status.data?.shards ?? []) {
      if (!q || has(s.name) || has(s.host))
        out.push({
          id: `shard ${s.name}`,
          group: "Shards",
          title: s.name,
          detail: s.host,
          icon: "fleet",
          run: () => reach.go(`/shards/${encodeURIComponent(s.name)}`),
        });
    }
    if (q && asked) {
      for (const t of tenants.data?.tenants ?? [])
        out.push({
          id: `tenant ${t.id}`,
          group: "Tenants",
          title: t.label,
          detail: [t.title, t.id, t.shard].filter(Boolean).join(" · "),
          icon: "tenants",
          run: () => reach.go(`/tenants/${encodeURIComponent(t.id)}`),
        });
    }
    return out;
  }, [text, asked, status.data, tenants.data, info.data, reach, use]);
  const chosen = Math.min(at, entries.length - 1);

  useEffect(() => {
    document.getElementById(`${list}-${chosen}`)?.scrollIntoView({ block: "nearest" });
  }, [list, chosen]);

  const take = (e: Entry | undefined) => {
    if (!e) return;
    onClose();
    e.run();
  };
  return (
    <div className="palette">
      <input
        data-autofocus
        role="combobox"
        aria-expanded="true"
        aria-controls={list}
        aria-activedescendant={entries.length > 0 ? `${list}-${chosen}` : undefined}
        aria-label="Search shards, tenants, actions"
        placeholder="Search shards, tenants, actions"
        spellCheck={false}
        autoComplete="off"
        value={text}
        onChange={(e) => {
          setText(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(e) => {
          if (e.key === "ArrowDown") setAt(Math.min(entries.length - 1, chosen + 1));
          else if (e.key === "ArrowUp") setAt(Math.max(0, chosen - 1));
          else if (e.key === "Enter") take(entries[chosen]);
          else return;
          e.preventDefault();
        }}
      />
      <div id={list} role="listbox" aria-label="Found" className="options">
        {entries.map((e, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above hears the keys
          // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus
          <div
            key={e.id}
            id={`${list}-${i}`}
            role="option"
            aria-selected={i === chosen}
            onClick={() => take(e)}
            onMouseMove={() => setAt(i)}
          >
            <span className="muted row">
              <Icon name={e.icon} />
            </span>
            <span className="cut">{e.title}</span>
            <span className="faint small cut">{e.detail}</span>
            <span className="end row">
              <span className="faint small">{e.group}</span>
              {e.keys ? <kbd>{e.keys}</kbd> : null}
            </span>
          </div>
        ))}
      </div>
      {entries.length === 0 ? (
        <div className="none">
          {tenants.isFetching ? "Looking …" : "Nothing is called that. Try a tenant's subdomain or id, a shard or a screen."}
        </div>
      ) : null}
      {tenants.isError && asked ? <div className="none">Tenants could not be searched: {tenants.error.message}</div> : null}
    </div>
  );
}
