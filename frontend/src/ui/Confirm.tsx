import { Button, Modal, Textarea, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { Environment } from "./Environment";
import { ErrorPanel, type Trouble } from "./ErrorPanel";

export interface Answer {
  note: string;
  confirm: string;
}

/**
 * Confirm asks before something changes. Every change needs a reason. In
 * production the name has to be typed in, the focus is on Cancel and Enter does
 * nothing.
 */
export function Confirm({
  open,
  title,
  children,
  environment,
  name,
  nameIs,
  button,
  danger = false,
  busy = false,
  blocked = false,
  needsReason = true,
  problem,
  onConfirm,
  onClose,
}: {
  open: boolean;
  title: string;
  children?: ReactNode;
  environment: string;
  name: string;
  nameIs: string;
  button: string;
  danger?: boolean;
  busy?: boolean;
  blocked?: boolean;
  needsReason?: boolean;
  problem?: Trouble | null;
  onConfirm: (answer: Answer) => void;
  onClose: () => void;
}) {
  const [note, setNote] = useState("");
  const [typed, setTyped] = useState("");
  const production = environment === "production";
  useEffect(() => {
    if (open) {
      setNote("");
      setTyped("");
    }
  }, [open]);
  const ready = (!needsReason || note.trim() !== "") && (!production || typed === name) && !busy && !blocked;
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title={title}
      size={520}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <div className="envline dialog-env" data-env={environment} />
      <div className="stack">
        {production ? (
          <div className="row">
            <Environment name={environment} />
            <span className="muted">This changes production.</span>
          </div>
        ) : null}
        {children}
        {needsReason ? (
          <Textarea
            label="Reason"
            description="It is kept in the audit trail."
            required
            autosize
            minRows={2}
            value={note}
            onChange={(e) => setNote(e.currentTarget.value)}
            data-autofocus={production ? undefined : true}
          />
        ) : null}
        {production ? (
          <TextInput
            label={`Type ${name} to go on`}
            description={`the name of the ${nameIs}`}
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={(e) => setTyped(e.currentTarget.value)}
            onKeyDown={(e) => {
              if (e.key === "Enter") e.preventDefault();
            }}
          />
        ) : null}
        {problem ? <ErrorPanel what="That was not done" problem={problem} /> : null}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="default" onClick={onClose} data-autofocus={production ? true : undefined}>
            Cancel
          </Button>
          <Button
            data-tone={danger ? "danger" : undefined}
            disabled={!ready}
            loading={busy}
            onClick={() => onConfirm({ note: note.trim(), confirm: production ? typed : "" })}
          >
            {button}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
