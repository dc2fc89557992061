import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, keys, toProblem } from "../bridge";
import { ErrorPanel } from "../ui/ErrorPanel";

/** OperatorForm asks who works here; every change is recorded under it. */
export function OperatorForm({ email, onDone }: { email: string; onDone?: () => void }) {
  const client = useQueryClient();
  const [text, setText] = useState(email);
  const save = useMutation({
    mutationFn: () => api.setOperator(text.trim()),
    onSuccess: (info) => {
      client.setQueryData(keys.info, info);
      void client.invalidateQueries();
      onDone?.();
    },
  });
  return (
    <form
      className="stack"
      onSubmit={(e) => {
        e.preventDefault();
        save.mutate();
      }}
    >
      <div className="row" style={{ alignItems: "flex-end" }}>
        <TextInput
          className="grow"
          type="email"
          label="Your e-mail"
          description="Every change is recorded under it. It is a claim: what you may do is decided by the fleet's policy."
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          data-autofocus
        />
        <Button type="submit" variant="default" loading={save.isPending} disabled={text.trim() === ""}>
          Save
        </Button>
      </div>
      {save.error ? <ErrorPanel what="The e-mail was not kept" problem={toProblem(save.error)} /> : null}
    </form>
  );
}

export function OperatorDialog({ open, email, onClose }: { open: boolean; email: string; onClose: () => void }) {
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title="Who works here"
      size={520}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <OperatorForm email={email} onDone={onClose} />
    </Modal>
  );
}
