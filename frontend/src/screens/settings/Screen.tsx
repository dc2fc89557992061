import { Button, Modal, NativeSelect, PasswordInput, Tabs, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Checked, Connect } from "../../app/Connect";
import { useEnvironment, useFleetName, useInfo } from "../../app/current";
import { Main } from "../../app/Main";
import { problemOf } from "../../app/problem";
import { api, type FleetFile, keys, type Setting } from "../../bridge";
import { Age } from "../../ui/Age";
import { Confirm } from "../../ui/Confirm";
import { Code, Mono, put } from "../../ui/Copy";
import { DataTable } from "../../ui/DataTable";
import { Empty } from "../../ui/Empty";
import { Environment } from "../../ui/Environment";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { bytes, plural } from "../../ui/format";
import { good } from "../../ui/Good";
import { Loaded } from "../../ui/Loaded";
import { Head, Panel } from "../../ui/Panel";
import { Mark, Status, type Tone } from "../../ui/Status";
import { Waiting } from "../../ui/Waiting";

const route = getRouteApi("/settings");

export function SettingsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate();
  return (
    <Main>
      <Head title="Settings" />
      <Tabs
        value={search.tab ?? "fleets"}
        onChange={(tab) => void navigate({ to: "/settings", search: { tab: tab ?? undefined }, replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb={16}>
          <Tabs.Tab value="fleets">Fleets</Tabs.Tab>
          <Tabs.Tab value="policy">Operators and policy</Tabs.Tab>
          <Tabs.Tab value="install">Schema</Tabs.Tab>
          <Tabs.Tab value="computer">This computer</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="fleets">
          <Fleets adding={search.add === true} />
        </Tabs.Panel>
        <Tabs.Panel value="policy">
          <Policy />
        </Tabs.Panel>
        <Tabs.Panel value="install">
          <Install />
        </Tabs.Panel>
        <Tabs.Panel value="computer">
          <Computer />
          <Diagnostics />
        </Tabs.Panel>
      </Tabs>
    </Main>
  );
}

function Fleets({ adding }: { adding: boolean }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const q = useQuery({ queryKey: keys.fleets, queryFn: () => api.fleets() });
  const add = (on: boolean) => void navigate({ to: "/settings", search: { tab: "fleets", add: on || undefined }, replace: true });
  return (
    <>
      <Panel title="Fleets on this computer">
        <Loaded data={q.data} problem={problemOf(q)} what="the fleets" rows={3} onRetry={() => void q.refetch()}>
          {(list) =>
            list.fleets.length === 0 ? <Empty title="No fleet is known yet" /> : list.fleets.map((f) => <Fleet key={f.name} fleet={f} />)
          }
        </Loaded>
        <div style={{ padding: "4px 16px 14px" }}>
          <Button onClick={() => add(true)}>Connect a fleet…</Button>
        </div>
      </Panel>
      <Modal
        opened={adding}
        onClose={() => add(false)}
        title="Connect a fleet"
        size={720}
        closeButtonProps={{ "aria-label": "Close" }}
        transitionProps={{ duration: 120 }}
      >
        <Connect
          onOpen={(name) =>
            void api.openFleet(name).then((info) => {
              client.setQueryData(keys.info, info);
              void client.invalidateQueries();
              void navigate({ to: "/" });
            })
          }
        />
      </Modal>
    </>
  );
}

interface Connection {
  name: string;
  url: string;
  inControl: boolean;
  credential: string;
  placement: string;
  capacity: number;
}

function connectionsOf(f: FleetFile): Connection[] {
  return [
    { name: "control", url: f.control, inControl: false, credential: f.credential, placement: "", capacity: 0 },
    ...f.shards.map((s) => ({
      name: s.name,
      url: s.url,
      inControl: s.in_control,
      credential: s.credential,
      placement: s.placement,
      capacity: s.capacity_bytes,
    })),
  ];
}

function Fleet({ fleet: f }: { fleet: FleetFile }) {
  const client = useQueryClient();
  const test = useMutation({ mutationFn: () => api.testFleet(f.name) });
  const remove = useMutation({ mutationFn: () => api.removeFleet(f.name), onSuccess: () => client.invalidateQueries() });
  const [forgetting, setForgetting] = useState(false);
  const [credential, setCredential] = useState<string | null>(null);
  const problem = problemOf(test);
  return (
    <div className="pad stack">
      <div className="row">
        <span className="strong">{f.name}</span>
        <Environment name={f.environment} />
        <span className="muted">{f.profile}</span>
        <span className="mono faint cut">{f.path}</span>
        <span className="end row">
          <Button variant="default" loading={test.isPending} onClick={() => test.mutate()} aria-label={`Test ${f.name}`}>
            Test
          </Button>
          <Button variant="default" data-tone="danger" onClick={() => setForgetting(true)} aria-label={`Forget ${f.name}`}>
            Forget…
          </Button>
        </span>
      </div>
      {f.problem ? <ErrorPanel what="The fleet's file cannot be used" problem={f.problem} /> : null}
      {f.problem ? null : (
        <DataTable
          label={`Connections of ${f.name}`}
          compact
          columns={[
            { key: "name", head: "Database", cell: (c: Connection) => <span className="strong">{c.name}</span> },
            {
              key: "url",
              head: "Address",
              cell: (c) =>
                c.url ? (
                  <Mono text={c.url} what="the address" />
                ) : (
                  <span className="muted">{c.inControl ? "in the control database" : "not configured"}</span>
                ),
            },
            {
              key: "credential",
              head: "Credential",
              cell: (c) =>
                c.url && f.current ? (
                  <button
                    type="button"
                    className="linkish"
                    aria-label={`Credential ${c.credential}`}
                    onClick={() => setCredential(c.credential)}
                  >
                    {c.credential}
                  </button>
                ) : (
                  <span className="muted">{c.url ? c.credential : "—"}</span>
                ),
            },
            { key: "placement", head: "Placement", cell: (c) => <span className="muted">{c.placement || "—"}</span> },
            {
              key: "capacity",
              head: "Capacity",
              right: true,
              cell: (c) => (c.capacity > 0 ? bytes(c.capacity) : <span className="faint">not set</span>),
            },
          ]}
          rows={connectionsOf(f)}
          rowKey={(c) => c.name}
        />
      )}
      {problem ? <ErrorPanel what="The fleet could not be tested" problem={problem} onClose={() => test.reset()} /> : null}
      {test.data ? (
        <>
          <span className="muted small">
            Tested <Age at={test.data.checked_at} className="" />
          </span>
          <Checked check={test.data} of={{ fleet: f.name }} onTrusted={() => test.mutate()} />
        </>
      ) : null}
      <Confirm
        open={forgetting}
        title={`Forget ${f.name}`}
        environment={f.environment}
        name={f.name}
        nameIs="fleet"
        button="Forget it"
        danger
        needsReason={false}
        busy={remove.isPending}
        problem={problemOf(remove)}
        onClose={() => {
          remove.reset();
          setForgetting(false);
        }}
        onConfirm={() => remove.mutate(undefined, { onSuccess: () => setForgetting(false) })}
      >
        <p>Removes the fleet's file from this computer. Its databases and credentials stay as they are.</p>
      </Confirm>
      {credential ? <Credential fleet={f} name={credential} onClose={() => setCredential(null)} /> : null}
    </div>
  );
}

/** What a mutation of a credential does, and what is said where it fails. */
const credentialVerbs = {
  set: { kept: "Kept", failed: "Nothing was kept" },
  rotate: { kept: "Rotated", failed: "It was not rotated" },
} as const;

function Credential({ fleet, name, onClose }: { fleet: FleetFile; name: string; onClose: () => void }) {
  const client = useQueryClient();
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [forgetting, setForgetting] = useState(false);
  const key = keys.credential(fleet.name, name);
  const test = useQuery({ queryKey: key, queryFn: () => api.testCredential(name), gcTime: 0, refetchOnWindowFocus: false });
  const keep = useMutation({
    mutationFn: (verb: keyof typeof credentialVerbs) =>
      verb === "set" ? api.setCredential({ name, user, password, note: "" }) : api.rotateCredential({ name, user: "", password, note: "" }),
    onSettled: () => setPassword(""),
    onSuccess: (tried) => {
      client.setQueryData(key, tried);
      void client.invalidateQueries({ queryKey: keys.fleet });
    },
  });
  const forget = useMutation({ mutationFn: () => api.forgetCredential(name) });
  const verb = keep.variables ? credentialVerbs[keep.variables] : undefined;
  const problem = problemOf(keep) ?? problemOf(test);
  const result = keep.error ? undefined : test.data;
  const kept = test.data?.source === "keychain";
  const again = () => {
    keep.reset();
    void test.refetch();
  };
  if (forgetting)
    return (
      <Confirm
        open
        title={`Forget the credential ${name}`}
        environment={fleet.environment}
        name={name}
        nameIs="credential"
        button="Forget it"
        danger
        needsReason={false}
        busy={forget.isPending}
        problem={problemOf(forget)}
        onClose={() => {
          forget.reset();
          setForgetting(false);
        }}
        onConfirm={() =>
          forget.mutate(undefined, {
            onSuccess: () => {
              good("The keychain has forgotten it");
              void client.invalidateQueries({ queryKey: keys.fleet });
              onClose();
            },
          })
        }
      >
        <p>
          Takes it out of this computer's keychain. From then on the environment and .pgpass are asked for a password; the database keeps
          its own.
        </p>
      </Confirm>
    );
  return (
    <Modal
      opened
      onClose={onClose}
      title={`Credential ${name}`}
      size={520}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <div className="stack">
        <p className="muted">
          Kept in this computer's keychain, never in a file. To rotate it, change the password in the database first: the new one is tried,
          and where the database refuses it the kept one stays.
        </p>
        {problem ? <ErrorPanel what={keep.error && verb ? verb.failed : "It could not be tried"} problem={problem} /> : null}
        {test.isFetching && !test.data ? <Waiting what="its databases" rows={1} /> : null}
        {result ? (
          <div className="row wrap">
            <Status tone={result.ok ? "ok" : "bad"}>
              {`${verb && keep.isSuccess ? `${verb.kept}: ` : ""}${result.user || "the address's user"} ${result.ok ? "opens" : "does not open"} its databases`}
            </Status>
            <span className="muted">{sourceWords[result.source] ?? result.source}</span>
          </div>
        ) : null}
        {result?.problem ? <ErrorPanel what="The password was tried" problem={result.problem} /> : null}
        <TextInput
          label="User name"
          description={kept ? "Rotating leaves it as it is." : undefined}
          autoComplete="off"
          value={user}
          onChange={(e) => setUser(e.currentTarget.value)}
          data-autofocus
        />
        <PasswordInput label="Password" autoComplete="off" value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
        <div className="row wrap" style={{ justifyContent: "flex-end" }}>
          <Button variant="default" data-tone="danger" disabled={!kept} onClick={() => setForgetting(true)}>
            Forget…
          </Button>
          <Button variant="default" loading={test.isFetching} onClick={again}>
            Test
          </Button>
          <Button
            variant="default"
            disabled={!kept || password === ""}
            loading={keep.isPending && keep.variables === "rotate"}
            onClick={() => keep.mutate("rotate")}
          >
            Rotate
          </Button>
          <Button
            disabled={user === "" || password === ""}
            loading={keep.isPending && keep.variables === "set"}
            onClick={() => keep.mutate("set")}
          >
            Keep in the keychain
          </Button>
        </div>
      </div>
    </Modal>
  );
}

const sourceWords: Record<string, string> = {
  keychain: "with the password of the keychain",
  environment: "with the password of the environment",
  "password file": "with the password of .pgpass",
  none: "without a password",
};

const flagWords: Record<string, string> = {
  SHARD_ADMIN_ENABLED: "to change anything here at all",
  SHARD_ASSIGNMENT_ENABLED: "to point a tenant without rows to another shard",
  SHARD_MIGRATIONS_ENABLED: "to move tenants' rows",
  SHARD_BULK_OPS_ENABLED: "to change many tenants at once",
};

function Policy() {
  const client = useQueryClient();
  const environment = useEnvironment();
  const fleet = useFleetName();
  const q = useQuery({ queryKey: keys.policy, queryFn: () => api.policy() });
  const [email, setEmail] = useState("");
  const [role, setRole] = useState("viewer");
  const [dbRole, setDbRole] = useState("");
  const [asking, setAsking] = useState(false);
  const [turning, setTurning] = useState<{ flag: string; on: boolean } | null>(null);
  const turn = useMutation({
    mutationFn: (a: { note: string; confirm: string }) => api.setFlag({ flag: turning?.flag ?? "", on: !turning?.on, ...a }),
    onSuccess: (p) => client.setQueryData(keys.policy, p),
  });
  const set = useMutation({
    mutationFn: (a: { note: string; confirm: string }) => api.setOperatorRole({ email, role, db_role: dbRole, ...a }),
    onSuccess: (p) => client.setQueryData(keys.policy, p),
  });
  return (
    <Loaded data={q.data} problem={problemOf(q)} what="the policy" rows={8} onRetry={() => void q.refetch()}>
      {(p) => (
        <>
          <Panel
            title="Operators"
            note={[`You are ${p.me.email || "nobody"}, ${p.me.role || "without a role"}`, p.me.why].filter(Boolean).join(": ")}
          >
            {p.operators.length === 0 ? (
              <Empty title="No list exists">Everyone may look and nobody may change.</Empty>
            ) : (
              <DataTable
                label="Operators"
                columns={[
                  {
                    key: "email",
                    head: "Operator",
                    cell: (o) => (
                      <Link to="/audit" search={{ actor: o.email }} title={`What ${o.email} did, in the audit trail`}>
                        {o.email}
                      </Link>
                    ),
                  },
                  { key: "role", head: "Role", cell: (o) => o.role },
                  { key: "db", head: "Database role", cell: (o) => <span className="mono">{o.db_role || "any"}</span> },
                ]}
                rows={p.operators}
                rowKey={(o) => o.email}
              />
            )}
            <div className="row wrap" style={{ alignItems: "flex-end", padding: "12px 16px" }}>
              <TextInput label="E-mail" type="email" w={260} value={email} onChange={(e) => setEmail(e.currentTarget.value)} />
              <NativeSelect
                label="Role"
                value={role}
                data={["viewer", "operator", "admin"]}
                onChange={(e) => setRole(e.currentTarget.value)}
              />
              <TextInput label="Database role" w={180} value={dbRole} onChange={(e) => setDbRole(e.currentTarget.value)} />
              <Button variant="default" disabled={email === ""} onClick={() => setAsking(true)}>
                Set the role…
              </Button>
            </div>
          </Panel>
          <Panel title="What may be changed" note="each needs the one before it; the stricter of this computer and the fleet wins">
            <DataTable
              label="Policy flags"
              columns={[
                { key: "flag", head: "Flag", cell: (f) => <span className="mono">{f.flag}</span> },
                { key: "what", head: "Allows", cell: (f) => flagWords[f.flag] ?? "" },
                { key: "on", head: "State", cell: (f) => <Status tone={f.on ? "ok" : "off"}>{f.on ? "On" : "Off"}</Status> },
                {
                  key: "where",
                  head: "Decided",
                  cell: (f) => (
                    <span className="muted cut" style={{ display: "block", maxWidth: 216 }} title={f.where}>
                      {f.where}
                    </span>
                  ),
                },
                {
                  key: "do",
                  head: "For the whole fleet",
                  cell: (f) => (
                    <button
                      type="button"
                      className="linkish"
                      aria-label={`Turn ${f.flag} ${f.on ? "off" : "on"} for the fleet`}
                      onClick={() => setTurning(f)}
                    >
                      Turn {f.on ? "off" : "on"}…
                    </button>
                  ),
                },
              ]}
              rows={p.flags}
              rowKey={(f) => f.flag}
            />
            {p.flags.some((f) => !f.on && f.remedy) ? (
              <ul className="checks">
                {p.flags
                  .filter((f) => !f.on && f.remedy)
                  .map((f) => (
                    <li key={f.flag}>
                      <span className="e">
                        <span className="mono">{f.flag}</span>: {f.remedy}
                      </span>
                    </li>
                  ))}
              </ul>
            ) : null}
          </Panel>
          <Confirm
            open={turning !== null}
            title={turning ? `Turn ${turning.flag} ${turning.on ? "off" : "on"} for ${fleet}` : ""}
            environment={environment}
            name={fleet}
            nameIs="fleet"
            button={turning?.on ? "Turn it off" : "Turn it on"}
            danger={turning?.on}
            busy={turn.isPending}
            problem={problemOf(turn)}
            onClose={() => {
              turn.reset();
              setTurning(null);
            }}
            onConfirm={(a) => turn.mutate(a, { onSuccess: () => setTurning(null) })}
          >
            <p>
              The flag allows: {turning ? (flagWords[turning.flag] ?? turning.flag) : ""}. Turned {turning?.on ? "off" : "on"} in the fleet,
              that counts for everybody who works on it, whatever their computer says{turning?.on ? "" : ", unless it is stricter"}.
            </p>
          </Confirm>
          <Confirm
            open={asking}
            title={`Make ${email} ${role}`}
            environment={environment}
            name={fleet}
            nameIs="fleet"
            button="Set the role"
            busy={set.isPending}
            problem={problemOf(set)}
            onClose={() => {
              set.reset();
              setAsking(false);
            }}
            onConfirm={(a) => set.mutate(a, { onSuccess: () => setAsking(false) })}
          >
            <p>
              {email} may act as {role} on this fleet{dbRole ? ` with the database role ${dbRole}` : ""}.
            </p>
          </Confirm>
        </>
      )}
    </Loaded>
  );
}

function Install() {
  const client = useQueryClient();
  const info = useInfo();
  const environment = useEnvironment();
  const fleet = useFleetName();
  const q = useQuery({ queryKey: keys.install, queryFn: () => api.installStatus() });
  const script = useMutation({ mutationFn: () => api.installScript() });
  const [asking, setAsking] = useState(false);
  const install = useMutation({
    mutationFn: (a: { note: string; confirm: string }) => api.install({ admin: info.data?.operator ?? "", ...a }),
    onSuccess: () => client.invalidateQueries(),
  });
  const problem = problemOf(script);
  return (
    <Panel title="The shard_admin schema in the control database">
      <Loaded data={q.data} problem={problemOf(q)} what="what is installed" rows={2} onRetry={() => void q.refetch()}>
        {(s) => {
          const current = s.installed && s.version === s.wanted;
          return (
            <div className="pad stack">
              <div className="row">
                <Status tone={current ? "ok" : s.installed ? "warn" : "off"}>
                  {current ? "Installed" : s.installed ? "Another version" : "Not installed: look only"}
                </Status>
                <span className="muted">
                  {s.installed ? `version ${s.version}, ` : ""}this program brings version {s.wanted}
                </span>
              </div>
              <div className="row">
                <Button disabled={current || s.version > s.wanted} onClick={() => setAsking(true)}>
                  {s.installed ? "Upgrade…" : "Install…"}
                </Button>
                <Button variant="default" loading={script.isPending} onClick={() => script.mutate()}>
                  Show the SQL for a DBA
                </Button>
              </div>
              {problem ? <ErrorPanel what="The SQL could not be made" problem={problem} /> : null}
              {script.data?.scripts.map((x) => (
                <div key={x.database}>
                  <h3>{x.database}</h3>
                  <Code text={x.sql} what={`the SQL for ${x.database}`} />
                </div>
              ))}
            </div>
          );
        }}
      </Loaded>
      <Confirm
        open={asking}
        title="Install the shard_admin schema"
        environment={environment}
        name={fleet}
        nameIs="fleet"
        button="Install"
        busy={install.isPending}
        problem={problemOf(install)}
        onClose={() => {
          install.reset();
          setAsking(false);
        }}
        onConfirm={(a) => install.mutate(a, { onSuccess: () => setAsking(false) })}
      >
        <p>
          One schema is made in the control database: who may do what, moves, leases and the audit trail. On a first install you become its
          first admin.
        </p>
      </Confirm>
    </Panel>
  );
}

function Computer() {
  const client = useQueryClient();
  const q = useQuery({ queryKey: keys.settings, queryFn: () => api.settings() });
  const set = useMutation({ mutationFn: ([n, v]: [string, string]) => api.set(n, v), onSuccess: () => client.invalidateQueries() });
  const problem = problemOf(set);
  return (
    <Panel title="Settings of this computer">
      {problem ? <ErrorPanel what="The setting was not kept" problem={problem} onClose={() => set.reset()} /> : null}
      <Loaded data={q.data} problem={problemOf(q)} what="the settings" rows={8} onRetry={() => void q.refetch()}>
        {(list) => (
          <DataTable
            label="Settings"
            columns={[
              { key: "name", head: "Setting", cell: (s) => <span className="mono">{s.name}</span> },
              { key: "value", head: "Value", cell: (s) => <Value key={s.value} setting={s} onSave={(v) => set.mutate([s.name, v])} /> },
              { key: "source", head: "From", cell: (s) => s.source },
              { key: "help", head: "What it does", cell: (s) => <span title={s.help}>{s.help}</span> },
            ]}
            rows={list.settings}
            rowKey={(s) => s.name}
          />
        )}
      </Loaded>
    </Panel>
  );
}

const checkTones: Record<string, Tone> = { ok: "ok", warning: "warn", error: "bad" };

/** Diagnostics is what a report about the program begins with. */
function Diagnostics() {
  const info = useInfo();
  const workers = useQuery({ queryKey: keys.workers, queryFn: () => api.workers(), enabled: (info.data?.fleets.length ?? 0) > 0 });
  const doctor = useQuery({ queryKey: keys.doctor, queryFn: () => api.doctor(), refetchOnWindowFocus: false });
  const i = info.data;
  const unknown = "no fleet is open";
  const facts: [string, string][] = [
    ["Program", i ? `Shard Admin ${i.version}, commit ${i.commit}${i.headless ? ", without a window" : ""}` : "…"],
    ["Shown in", i?.mode === "window" ? "the window" : "a browser"],
    ["Browser", navigator.userAgent],
    ["Workers alive", workers.data === undefined ? (problemOf(workers)?.message ?? unknown) : plural(workers.data, "program")],
  ];
  const checks = (doctor.data?.checks ?? []).map((c): [string, string] => [`${c.name} (${c.status})`, c.message]);
  return (
    <Panel title="Diagnostics" note="what this computer lacks, as shard-admin doctor says it" age={<Age at={doctor.data?.checked_at} />}>
      <Loaded data={doctor.data} problem={problemOf(doctor)} what="what this computer has" rows={6} onRetry={() => void doctor.refetch()}>
        {(d) => (
          <ul className="checks" aria-label="What was looked at">
            {d.checks.map((c) => (
              <li key={c.name}>
                <Mark tone={checkTones[c.status] ?? "warn"} />
                <div className="grow">
                  <span className="hidden">{c.status}: </span>
                  <span className="medium">{c.name}</span> <span className={c.status === "ok" ? "muted" : undefined}>{c.message}</span>
                  {c.fix ? (
                    <div className="e">
                      <span className="medium">What to do:</span> {c.fix}
                    </div>
                  ) : null}
                </div>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <div className="stack" style={{ padding: "12px 16px 16px" }}>
        <dl className="facts">
          {facts.map(([k, v]) => (
            <div key={k} style={{ display: "contents" }}>
              <dt>{k}</dt>
              <dd className={k === "Browser" ? "mono" : undefined}>{v}</dd>
            </div>
          ))}
        </dl>
        <div className="row">
          <Button variant="default" loading={doctor.isFetching} onClick={() => void doctor.refetch()}>
            Look again
          </Button>
          <Button
            variant="default"
            onClick={() =>
              void put([...facts, ...checks].map(([k, v]) => `${k}: ${v}`).join("\n")).then((done) =>
                good(done ? "It is in the clipboard" : "The clipboard takes nothing"),
              )
            }
          >
            Copy for a report
          </Button>
        </div>
      </div>
    </Panel>
  );
}

function Value({ setting: s, onSave }: { setting: Setting; onSave: (v: string) => void }) {
  const [text, setText] = useState(s.value);
  const fixed = s.source === "environment";
  const choices = s.kind === "bool" ? ["true", "false"] : s.choices;
  if (choices.length > 0)
    return (
      <NativeSelect aria-label={s.name} disabled={fixed} value={s.value} data={choices} onChange={(e) => onSave(e.currentTarget.value)} />
    );
  return (
    <TextInput
      aria-label={s.name}
      disabled={fixed}
      value={text}
      onChange={(e) => setText(e.currentTarget.value)}
      onBlur={() => {
        if (text !== s.value) onSave(text);
      }}
    />
  );
}
