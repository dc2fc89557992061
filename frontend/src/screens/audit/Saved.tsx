import { Button, Menu, Modal, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { problemOf } from "../../app/problem";
import { type AuditFilter, api, keys, type SavedFilter } from "../../bridge";
import { Age } from "../../ui/Age";
import { Confirm } from "../../ui/Confirm";
import { Empty } from "../../ui/Empty";
import { ErrorPanel } from "../../ui/ErrorPanel";
import { good } from "../../ui/Good";
import { Icon } from "../../ui/icons";
import { Loaded } from "../../ui/Loaded";
import { addressOf, same, selects } from "./address";

const named = (list: SavedFilter[], name: string) => list.find((f) => f.name.toLowerCase() === name.trim().toLowerCase());

/** Saved is the menu of the filters that this computer keeps for the fleet, and what keeps the present one. */
export function Saved({ filter, apply }: { filter: AuditFilter; apply: (f: AuditFilter) => void }) {
  const client = useQueryClient();
  const q = useQuery({ queryKey: keys.savedFilters, queryFn: () => api.savedFilters() });
  const [saving, setSaving] = useState(false);
  const [listing, setListing] = useState(false);
  const [removing, setRemoving] = useState<SavedFilter | null>(null);
  const read = () => void client.invalidateQueries({ queryKey: keys.savedFilters });
  const remove = useMutation({
    mutationFn: (name: string) => api.removeFilter(name),
    onSuccess: (f) => {
      good(`${f.name} is forgotten`);
      setRemoving(null);
      read();
    },
  });
  const list = q.data?.filters ?? [];
  const narrowed = Object.keys(addressOf(filter)).length > 0;
  return (
    <>
      <Menu position="bottom-start" width={280} withInitialFocusPlaceholder={false} transitionProps={{ duration: 120 }}>
        <Menu.Target>
          <Button variant="default" size="xs" rightSection={<Icon name="caret" size={14} />}>
            Saved
          </Button>
        </Menu.Target>
        <Menu.Dropdown className="audit-saved-menu">
          {list.map((f) => (
            <Menu.RadioItem
              key={f.name}
              value={f.name}
              checked={f.reason === "" && same(f.filter, filter)}
              checkIcon={<Icon name="done" />}
              disabled={f.reason !== ""}
              closeMenuOnClick
              onChange={() => apply(f.filter)}
            >
              <span className="audit-saved-name">{f.name}</span>
              <span className="small muted">{f.reason || selects(f.filter)}</span>
            </Menu.RadioItem>
          ))}
          {list.length > 0 ? <Menu.Divider /> : null}
          <Menu.Item onClick={() => setListing(true)}>{list.length > 0 ? "Look through and remove…" : "None is saved yet…"}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {narrowed ? (
        <Button variant="default" size="xs" onClick={() => setSaving(true)}>
          Save this filter…
        </Button>
      ) : null}
      {saving ? (
        <SaveFilter
          filter={filter}
          list={list}
          onClose={() => setSaving(false)}
          onSaved={() => {
            setSaving(false);
            read();
          }}
        />
      ) : null}
      <Modal
        opened={listing && removing === null}
        onClose={() => setListing(false)}
        title="Saved filters"
        size={640}
        closeButtonProps={{ "aria-label": "Close" }}
        transitionProps={{ duration: 120 }}
      >
        <Loaded data={q.data} problem={problemOf(q)} what="the saved filters" rows={3} onRetry={() => void q.refetch()}>
          {(v) =>
            v.filters.length === 0 ? (
              <Empty title="No filter is saved for this fleet">
                Narrow the list and press Save this filter. It is kept on this computer; audit list --saved takes it too.
              </Empty>
            ) : (
              <ul className="audit-saved">
                {v.filters.map((f) => (
                  <li key={f.name}>
                    <div>
                      <b>{f.name}</b>
                      <p className="small muted">
                        {f.reason || selects(f.filter)} <Age at={f.made_at} before="· saved " />
                      </p>
                    </div>
                    <Button
                      variant="default"
                      size="xs"
                      aria-label={`Apply ${f.name}`}
                      disabled={f.reason !== ""}
                      onClick={() => {
                        setListing(false);
                        apply(f.filter);
                      }}
                    >
                      Apply
                    </Button>
                    <Button variant="default" size="xs" aria-label={`Remove ${f.name}`} onClick={() => setRemoving(f)}>
                      Remove…
                    </Button>
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      </Modal>
      <Confirm
        open={removing !== null}
        title="Remove a saved filter"
        environment=""
        name={removing?.name ?? ""}
        nameIs="saved filter"
        button="Remove it"
        danger
        needsReason={false}
        busy={remove.isPending}
        problem={problemOf(remove)}
        onClose={() => {
          remove.reset();
          setRemoving(null);
        }}
        onConfirm={() => removing && remove.mutate(removing.name)}
      >
        <p>
          <b>{removing?.name}</b> is forgotten on this computer. No event of the trail goes with it.
        </p>
      </Confirm>
    </>
  );
}

function SaveFilter({
  filter,
  list,
  onClose,
  onSaved,
}: {
  filter: AuditFilter;
  list: SavedFilter[];
  onClose: () => void;
  onSaved: () => void;
}) {
  const [name, setName] = useState("");
  const had = named(list, name);
  const save = useMutation({
    mutationFn: () => api.saveFilter({ name: name.trim(), filter, replace: had !== undefined }),
    onSuccess: (f) => {
      good(`Saved as ${f.name}`);
      onSaved();
    },
  });
  const problem = problemOf(save);
  return (
    <Modal
      opened
      onClose={onClose}
      title="Save this filter"
      size={520}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <form
        className="stack"
        onSubmit={(e) => {
          e.preventDefault();
          if (name.trim() !== "" && !save.isPending) save.mutate();
        }}
      >
        <p className="muted">{selects(filter)}</p>
        <TextInput
          label="Name"
          description="Kept on this computer, for this fleet. The last 30 days are those before the day on which it is used."
          required
          maxLength={60}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          data-autofocus
        />
        {had ? (
          <p role="status">
            {had.name} is saved already: {had.reason || selects(had.filter)}.
          </p>
        ) : null}
        {problem ? <ErrorPanel what="It was not saved" problem={problem} onClose={() => save.reset()} /> : null}
        <div className="row" style={{ justifyContent: "flex-end" }}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" disabled={name.trim() === ""} loading={save.isPending}>
            {had ? "Replace it" : "Save"}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
