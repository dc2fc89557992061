import { Button, Modal } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, type HostRequest, type HostWayKey } from "../bridge";
import { Mono } from "../ui/Copy";
import { ErrorPanel } from "../ui/ErrorPanel";
import { good } from "../ui/Good";
import { Waiting } from "../ui/Waiting";
import { problemOf } from "./problem";

/** unaccepted reports whether a problem is an SSH host's key that nobody has accepted yet. A changed key is none: it is never offered. */
export function unaccepted(problem: { code: string } | null | undefined): boolean {
  return problem?.code === "ssh_host_key_unknown";
}

/** HostKey shows the key of an SSH host on the way to a database, and accepts it when a person has compared it. */
export function HostKey({ of, onTrusted }: { of: HostRequest; onTrusted: () => void }) {
  const [open, setOpen] = useState(false);
  const look = useMutation({ mutationFn: () => api.unknownHost(of) });
  const trust = useMutation({ mutationFn: (fingerprint: string) => api.trustHost(of, fingerprint) });
  const close = () => {
    setOpen(false);
    // A key that was accepted before the last one changes what can be reached, too.
    if (trust.data) onTrusted();
    look.reset();
    trust.reset();
  };
  const seen = trust.data ?? look.data;
  const problem = problemOf(trust) ?? problemOf(look);
  const key = seen?.unknown;
  const accepted = trust.data ? look.data?.unknown?.host : undefined;
  return (
    <>
      <Button
        variant="default"
        size="xs"
        style={{ justifySelf: "start" }}
        aria-label={`See the key on the way to ${of.database}`}
        onClick={() => {
          setOpen(true);
          look.mutate();
        }}
      >
        See the key…
      </Button>
      <Modal
        opened={open}
        onClose={close}
        title={`The SSH hosts on the way to ${of.database}`}
        size={620}
        closeButtonProps={{ "aria-label": "Close" }}
        transitionProps={{ duration: 120 }}
      >
        <div className="stack">
          {look.isPending ? <Waiting what="the SSH host" rows={4} /> : null}
          {accepted && key ? <p>The key of {accepted} is accepted. The next host on the way shows its own.</p> : null}
          {key ? <Facts of={key} database={of.database} /> : null}
          {seen && !key ? <p>Every SSH host on the way to {of.database} is known.</p> : null}
          {problem ? <ErrorPanel what={trust.error ? "The key was not accepted" : "The key could not be read"} problem={problem} /> : null}
          <div className="row" style={{ justifyContent: "flex-end" }}>
            <Button variant="default" onClick={close} data-autofocus>
              {key ? "Cancel" : "Close"}
            </Button>
            {key ? (
              <Button
                loading={trust.isPending}
                onClick={() =>
                  trust.mutate(key.fingerprint, {
                    onSuccess: (v) => {
                      if (v.unknown) return;
                      good(`Every SSH host on the way to ${of.database} is known.`);
                      setOpen(false);
                      onTrusted();
                    },
                  })
                }
              >
                Trust this key
              </Button>
            ) : problem ? (
              <Button
                variant="default"
                onClick={() => {
                  trust.reset();
                  look.mutate();
                }}
              >
                Look again
              </Button>
            ) : null}
          </div>
        </div>
      </Modal>
    </>
  );
}

function Facts({ of: k, database }: { of: HostWayKey; database: string }) {
  const way = [...k.way.map((h) => `${h.user}@${h.host}:${h.port}`), database].join(" → ");
  return (
    <>
      <p>
        Nobody has accepted this key yet. Compare its fingerprint with what whoever runs the host says: a key that is somebody else's lets
        them read along.
      </p>
      <dl className="facts">
        <dt>Host</dt>
        <dd className="row">
          <Mono text={k.host} what="the host" />
        </dd>
        <dt>Key</dt>
        <dd>{k.key_type}</dd>
        <dt>Fingerprint</dt>
        <dd className="row">
          <Mono text={k.fingerprint} what="the fingerprint" />
        </dd>
        <dt>Way</dt>
        <dd className="mono">{way}</dd>
        <dt>Kept in</dt>
        <dd className="mono">{k.file}</dd>
      </dl>
    </>
  );
}
