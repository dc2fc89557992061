import { Button, Modal, PasswordInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { api, toProblem } from "../bridge";
import { ErrorPanel } from "../ui/ErrorPanel";
import { good } from "../ui/Good";
import { Mark } from "../ui/Status";
import { problemOf } from "./problem";

const code = "vault_locked";

/** locked reports whether an answer, or what it says of a database, is that the vault is locked. */
export function locked(answer: unknown): boolean {
  if (answer === null || typeof answer !== "object") return false;
  const of = (x: unknown): boolean =>
    x !== null && typeof x === "object" && "problem" in x && x.problem !== null && typeof x.problem === "object" && "code" in x.problem
      ? x.problem.code === code
      : false;
  return Object.values(answer).some((v) => of(v) || (Array.isArray(v) && v.some(of)));
}

/** useLocked is true once a call was answered that the vault is locked, until it is opened. */
function useLocked(): [boolean, () => void] {
  const client = useQueryClient();
  const [is, setIs] = useState(false);
  useEffect(() => {
    const queries = client.getQueryCache().subscribe((e) => {
      if (e.type !== "updated") return;
      if (e.action.type === "error" && toProblem(e.action.error).code === code) setIs(true);
      if (e.action.type === "success" && locked(e.action.data)) setIs(true);
    });
    const changes = client.getMutationCache().subscribe((e) => {
      if (e.type === "updated" && e.action.type === "error" && toProblem(e.action.error).code === code) setIs(true);
      if (e.type === "updated" && e.action.type === "success" && locked(e.action.data)) setIs(true);
    });
    return () => {
      queries();
      changes();
    };
  }, [client]);
  return [is, () => setIs(false)];
}

/** VaultPrompt asks once for the passphrase of the vault when something needs it; later a line offers to ask again. */
export function VaultPrompt() {
  const client = useQueryClient();
  const [is, opened] = useLocked();
  const [closed, setClosed] = useState(false);
  const [phrase, setPhrase] = useState("");
  const [again, setAgain] = useState("");
  const vault = useMutation({ mutationFn: () => api.vault() });
  const { mutate: look } = vault;
  const unlock = useMutation({
    // What is kept of a mutation would keep the passphrase, so it gets none.
    gcTime: 0,
    mutationFn: () => api.unlockVault(phrase, again),
  });
  useEffect(() => {
    if (is) look();
  }, [is, look]);
  const forget = () => {
    setPhrase("");
    setAgain("");
    unlock.reset();
  };
  const fresh = vault.data?.made === false;
  const submit = (e: FormEvent) => {
    e.preventDefault();
    unlock.mutate(undefined, {
      onSuccess: () => {
        forget();
        opened();
        setClosed(false);
        good("The vault is open until this program ends.");
        void client.invalidateQueries();
      },
    });
  };
  if (!is) return null;
  const problem = problemOf(unlock);
  return (
    <>
      {closed ? (
        <div className="notice warn">
          <Mark tone="warn" />
          <span className="grow">The vault is locked, so no password in it can be used.</span>
          <Button variant="default" size="xs" onClick={() => setClosed(false)}>
            Open the vault…
          </Button>
        </div>
      ) : null}
      <Modal
        opened={!closed}
        onClose={() => {
          forget();
          setClosed(true);
        }}
        title={fresh ? "A passphrase for the new vault" : "The vault is locked"}
        size={480}
        closeButtonProps={{ "aria-label": "Close" }}
        transitionProps={{ duration: 120 }}
      >
        <form className="stack" onSubmit={submit}>
          <p>
            {fresh
              ? "Credentials will be kept in a file that this passphrase encrypts. There is no way back to a forgotten one."
              : "Its passphrase opens the credentials of this computer."}{" "}
            It stays in this program's memory until it ends.
          </p>
          <PasswordInput
            label="Passphrase"
            autoComplete="off"
            data-autofocus
            value={phrase}
            onChange={(e) => setPhrase(e.currentTarget.value)}
          />
          {fresh ? (
            <PasswordInput label="Once more" autoComplete="off" value={again} onChange={(e) => setAgain(e.currentTarget.value)} />
          ) : null}
          {problem ? <ErrorPanel what="The vault did not open" problem={problem} /> : null}
          <div className="row" style={{ justifyContent: "flex-end" }}>
            <Button
              variant="default"
              onClick={() => {
                forget();
                setClosed(true);
              }}
            >
              Cancel
            </Button>
            <Button type="submit" loading={unlock.isPending} disabled={phrase === ""}>
              Open the vault
            </Button>
          </div>
        </form>
      </Modal>
    </>
  );
}
