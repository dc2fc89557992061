import { Button, Checkbox, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, type FleetCheck } from "../bridge";
import { Code } from "../ui/Copy";
import { ErrorPanel } from "../ui/ErrorPanel";
import { millis } from "../ui/format";
import { Status } from "../ui/Status";
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

/** Connect files a fleet on this computer and tests each of its connections. */
export function Connect({ onOpen }: { onOpen: (name: string) => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [environment, setEnvironment] = useState("production");
  const [profile, setProfile] = useState("property_web_builder");
  const [control, setControl] = useState("");
  const [inControl, setInControl] = useState(true);
  const [shards, setShards] = useState("");
  const [text, setText] = useState("");
  const add = useMutation({
    mutationFn: () =>
      text.trim() !== ""
        ? api.importFleet({ name, environment, text })
        : api.addFleet({ name, environment, profile, control, shards: readShards(shards, inControl) }),
    onSuccess: (f) => {
      setText("");
      void client.invalidateQueries({ queryKey: ["fleets"] });
      test.mutate(f.name);
    },
  });
  const test = useMutation({ mutationFn: (fleet: string) => api.testFleet(fleet) });
  const filed = add.data;
  return (
    <div className="stack">
      <form
        className="form"
        onSubmit={(e) => {
          e.preventDefault();
          add.mutate();
        }}
      >
        <div className="two">
          <TextInput label="Name" required value={name} onChange={(e) => setName(e.currentTarget.value)} />
          <NativeSelect
            label="Environment"
            value={environment}
            data={["production", "staging", "development"]}
            onChange={(e) => setEnvironment(e.currentTarget.value)}
          />
        </div>
        <TextInput
          label="Control database"
          description="It knows where each tenant lives. A password in the URL goes to this computer's keychain, never into a file."
          placeholder="postgres://user@db1.example.com/app?sslmode=verify-full"
          value={control}
          onChange={(e) => setControl(e.currentTarget.value)}
        />
        <TextInput label="Profile" value={profile} onChange={(e) => setProfile(e.currentTarget.value)} />
        <Checkbox
          label="The shard “default” lives in the control database"
          checked={inControl}
          onChange={(e) => setInControl(e.currentTarget.checked)}
        />
        <Textarea
          label="Other shards"
          description="One a line: name = URL. A name alone is known and not configured."
          autosize
          minRows={2}
          value={shards}
          onChange={(e) => setShards(e.currentTarget.value)}
        />
        <Textarea
          label="Or a Rails config/database.yml"
          description="It is read instead of the fields above."
          autosize
          minRows={2}
          maxRows={8}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
        />
        {add.error ? (
          <ErrorPanel
            what="The fleet was not filed"
            problem={problemOf(add) ?? { code: "", message: "", hint: "" }}
            onClose={() => add.reset()}
          />
        ) : null}
        <div className="row">
          <Button
            type="submit"
            loading={add.isPending || test.isPending}
            disabled={name.trim() === "" || (control.trim() === "" && text.trim() === "")}
          >
            Connect and test
          </Button>
          {filed ? (
            <Button variant="default" onClick={() => onOpen(filed.name)}>
              Open {filed.name}
            </Button>
          ) : null}
        </div>
      </form>
      {test.error ? (
        <ErrorPanel what="The connections could not be tested" problem={problemOf(test) ?? { code: "", message: "", hint: "" }} />
      ) : null}
      {test.data ? <Checked check={test.data} /> : null}
    </div>
  );
}

/** Checked shows what the test of a fleet's connections found. */
export function Checked({ check }: { check: FleetCheck }) {
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
          {d.problem ? <ErrorPanel what={`${d.name} does not answer`} problem={d.problem} /> : null}
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
        </div>
      ))}
    </div>
  );
}
