import { Modal } from "@mantine/core";
import { type Action, actions } from "./actions";

const tables: [string, string][] = [
  ["/", "Go to the filter of the screen"],
  ["j  k", "Down and up in a table"],
  ["Enter", "Open the row"],
  ["Esc", "Close what lies on top"],
];

/** KeysHelp lists the keys, from the same table that carries them out. */
export function KeysHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const all: readonly Action[] = actions;
  const keyed: [string, string][] = all.filter((a) => a.keys).map((a) => [a.keys ?? "", a.title]);
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title="Keyboard"
      size={520}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <dl className="facts">
        {[...keyed, ...tables].map(([k, what]) => (
          <div key={k} style={{ display: "contents" }}>
            <dt>
              {k.split(/\s+/).map((one) => (
                <kbd key={one} style={{ marginRight: 4 }}>
                  {one}
                </kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
