import { Button, Checkbox, NativeSelect, SegmentedControl, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, type FleetCheck, type HostRequest } from "../bridge";
import { Code } from "../ui/Copy";
import { ErrorPanel } from "../ui/ErrorPanel";
import { millis, plural } from "../ui/format";
import { Status } from "../ui/Status";
import { HostKey, unaccepted } from "./HostKey";
import { problemOf } from "./problem";

function readShards(text: string, inControl: boolean): { name: string; url: string }[] {
  const list = text
    .split("\n")
    .map((l) => l.trim())
    .filter(Boolean)
    .map((l) => {
      const i = l.indexOf("=");
      return i < 0 ? { name: l, url: "" } : { name: l.slice(0, i).trim(), url: l.slice(i + 1).trim() };
    });
  return inControl ? [{ name: "default", url: "control" }, ...list] : list;
}

/** Connect describes a fleet, tests each of its connections, and then keeps it on this computer. */
export function Connect({ onOpen }: { onOpen: (name: string) => void }) {
  const client = useQueryClient();
  const [way, setWay] = useState("url");
  const [name, setName] = useState("");
  const [environment, setEnvironment] = useState("production");
  const [profile, setProfile] = useState("property_web_builder");
  const [control, setControl] = useState("");
  const [inControl, setInControl] = useState(true);
  const [shards, setShards] = useState("");
  const [text, setText] = useState("");
  const [ssh, setSSH] = useState("");
  const described = () => ({ name, environment, profile, control, shards: readShards(shards, inControl), ssh: ssh.trim() });
  const imported = () => ({ name, environment, text, ssh: ssh.trim() });
  const test = useMutation({
    mutationFn: () => (way === "file" ? api.tryImport(imported()) : api.tryFleet(described())),
  });
  const add = useMutation({
    mutationFn: () => (way === "file" ? api.importFleet(imported()) : api.addFleet(described())),
    onSuccess: (f) => {
      setText("");
      setControl("");
      void client.invalidateQueries({ queryKey: ["fleets"] });
      onOpen(f.name);
    },
  });
  // What was tested is what is typed in: a change asks for another test.
  const change = (set: () => void) => {
    test.reset();
    add.reset();
    set();
  };
  const complete = name.trim() !== "" && (way === "file" ? text.trim() !== "" : control.trim() !== "");
  const missing = test.data?.databases.some((d) => d.configured && !d.reachable) ?? false;
  const problem = problemOf(add) ?? problemOf(test);
  return (
    <div className="stack">
      <form
        className="form"
        onSubmit={(e) => {
          e.preventDefault();
          test.mutate();
        }}
      >
        <SegmentedControl
          aria-label="Where the fleet is described"
          value={way}
          onChange={(v) => change(() => setWay(v))}
          data={[
            { value: "url", label: "Addresses" },
            { value: "file", label: "Rails database.yml" },
          ]}
          style={{ justifySelf: "start" }}
        />
        <div className="two">
          <TextInput
            label="Name"
            required
            value={name}
            onChange={(e) => {
              const v = e.currentTarget.value;
              change(() => setName(v));
            }}
          />
          <NativeSelect
            label="Environment"
            value={environment}
            data={["production", "staging", "development"]}
            onChange={(e) => {
              const v = e.currentTarget.value;
              change(() => setEnvironment(v));
            }}
          />
        </div>
        {way === "url" ? (
          <>
            <TextInput
              label="Control database"
              description="It knows where each tenant lives. A password in the URL goes to this computer's keychain, never into a file."
              placeholder="postgres://user@db1.example.com/app?sslmode=verify-full"
              value={control}
              onChange={(e) => {
                const v = e.currentTarget.value;
                change(() => setControl(v));
              }}
            />
            <Checkbox
              label="The shard “default” lives in the control database"
              checked={inControl}
              onChange={(e) => {
                const v = e.currentTarget.checked;
                change(() => setInControl(v));
              }}
            />
            <Textarea
              label="Other shards"
              description="One a line: name = URL. A name alone is known and not configured."
              placeholder="shard_1 = postgres://user@db2.example.com/app_shard_1?sslmode=verify-full"
              autosize
              minRows={2}
              value={shards}
              onChange={(e) => {
                const v = e.currentTarget.value;
                change(() => setShards(v));
              }}
            />
            <TextInput
              label="Profile"
              description="How the application's tables belong to a tenant: a built-in name, or the path of a profile file."
              value={profile}
              onChange={(e) => {
                const v = e.currentTarget.value;
                change(() => setProfile(v));
              }}
            />
          </>
        ) : (
          <DropText
            value={text}
            onChange={(v) => change(() => setText(v))}
            label="The text of config/database.yml"
            description="Paste it, or drop the file here. Passwords in it go to this computer's keychain."
          />
        )}
        <TextInput
          label="Through SSH"
          description="The hosts through which every database is reached, in their order; empty for none. What ~/.ssh/config says of them holds."
          placeholder="user@jump.example.com,user@bastion.example.com:2222"
          autoComplete="off"
          spellCheck={false}
          value={ssh}
          onChange={(e) => {
            const v = e.currentTarget.value;
            change(() => setSSH(v));
          }}
        />
        {problem ? (
          <ErrorPanel
            what={add.error ? "The fleet was not kept" : "The connections could not be tested"}
            problem={problem}
            onClose={() => {
              add.reset();
              test.reset();
            }}
          />
        ) : null}
        <div className="row">
          <Button type="submit" variant={test.data ? "default" : "filled"} loading={test.isPending} disabled={!complete || add.isPending}>
            {test.data ? "Test again" : "Test the connections"}
          </Button>
          {test.data ? (
            <Button loading={add.isPending} onClick={() => add.mutate()}>
              {missing ? "Keep it although not all answer" : "Keep it and open it"}
            </Button>
          ) : (
            <span className="muted small">Nothing is kept before the test.</span>
          )}
        </div>
      </form>
      {test.data ? (
        <Checked
          check={test.data}
          of={way === "file" ? { fleet: "", import: imported() } : { fleet: "", new: described() }}
          onTrusted={() => test.mutate()}
        />
      ) : null}
    </div>
  );
}

/** DropText is a field for a file's text that takes the file itself, too. */
function DropText({
  value,
  onChange,
  label,
  description,
}: {
  value: string;
  onChange: (text: string) => void;
  label: string;
  description: string;
}) {
  const [over, setOver] = useState(false);
  return (
    <Textarea
      label={label}
      description={description}
      placeholder={"production:\n  primary:\n    url: …"}
      autosize
      minRows={8}
      maxRows={14}
      spellCheck={false}
      value={value}
      styles={{ input: { fontFamily: "var(--mono)", fontSize: 12, borderColor: over ? "var(--accent)" : undefined } }}
      onChange={(e) => onChange(e.currentTarget.value)}
      onDragOver={(e) => {
        e.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(e) => {
        e.preventDefault();
        setOver(false);
        const file = e.dataTransfer.files[0];
        if (file) void file.text().then(onChange);
      }}
    />
  );
}

/** Checked shows what the test of a fleet's connections found; of is that fleet, kept or described. */
export function Checked({ check, of, onTrusted }: { check: FleetCheck; of: Omit<HostRequest, "database">; onTrusted: () => void }) {
  return (
    <div className="stack">
      {check.databases.map((d) => (
        <div className="stack tight" key={d.name}>
          <div className="row wrap">
            {!d.configured ? (
              <Status tone="off">Not configured</Status>
            ) : !d.reachable ? (
              <Status tone="bad">No answer</Status>
            ) : d.missing.length > 0 ? (
              <Status tone="warn">Rights missing</Status>
            ) : (
              <Status tone="ok">Complete</Status>
            )}
            <span className="strong">{d.name}</span>
            <span className="muted">
              {d.version} {d.latency_ms === null || d.latency_ms === undefined ? "" : `· ${millis(d.latency_ms)}`}{" "}
              {d.tls ? `· TLS ${d.tls}` : ""}
            </span>
          </div>
          {d.in_recovery === null || d.in_recovery === undefined ? null : (
            <span className="small muted">
              {d.in_recovery ? "Standby, takes no writes" : d.read_only ? "Primary, read-only by setting" : "Primary, takes writes"}
              {` · wal_level ${d.wal_level} · ${plural(d.free_slots ?? 0, "free replication slot")}`}
            </span>
          )}
          {d.problem ? <ErrorPanel what={`${d.name} does not answer`} problem={d.problem} /> : null}
          {unaccepted(d.problem) ? <HostKey of={{ ...of, database: d.name }} onTrusted={onTrusted} /> : null}
          {d.warnings.map((w) => (
            <span className="tone-warn small" key={w}>
              {w}
            </span>
          ))}
          {d.missing.map((m) => (
            <div key={m.grant}>
              <span className="small muted">
                {m.capability}: {m.right}
              </span>
              <Code text={m.grant} what="the grant" />
            </div>
          ))}
          {d.optional.map((m) => (
            <div key={m.grant}>
              <span className="small muted">Optional, to cancel and end sessions: {m.right}</span>
              <Code text={m.grant} what="the grant" />
            </div>
          ))}
        </div>
      ))}
    </div>
  );
}
