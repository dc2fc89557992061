import { Modal } from "@mantine/core";
import { Fragment } from "react";
import { type Action, actions, keysOf } from "./actions";
import { apple } from "./platform";

const tables: [string, string][] = [
  ["/", "Go to the filter of the screen"],
  ["j  k", "Down and up in a table"],
  ["Enter", "Open the row"],
  ["Space", "Select the row"],
  ["Shift  Space", "Select all rows since the last one selected"],
  ["Esc", "Close what lies on top"],
];

const groups = ["Go to", "Do", "Here"] as const;
const names = { "Go to": "Go to", Do: "Anywhere", Here: "On the screen that offers it" };

/** KeysHelp lists the keys, from the same table that carries them out. */
export function KeysHelp({ open, onClose }: { open: boolean; onClose: () => void }) {
  const all: readonly Action[] = actions;
  const sections: [string, [string, string][]][] = [
    ...groups.map((g): [string, [string, string][]] => [
      names[g],
      all.filter((a) => a.group === g && a.keys).map((a) => [keysOf(a, apple()), a.title]),
    ]),
    ["In tables", tables],
  ];
  return (
    <Modal
      opened={open}
      onClose={onClose}
      title="Keyboard"
      size={720}
      closeButtonProps={{ "aria-label": "Close" }}
      transitionProps={{ duration: 120 }}
    >
      <div className="keys">
        {sections.map(([name, list]) => (
          <section key={name}>
            <h3>{name}</h3>
            <dl className="facts">
              {list.map(([k, what]) => (
                <Fragment key={`${k} ${what}`}>
                  <dt>
                    {k.split(/\s+/).map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
