import { Popover } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { MoveView } from "../bridge";
import { Age } from "../ui/Age";
import { Bar } from "../ui/Bar";
import { ofPlan, plural } from "../ui/format";
import { Mark, moveStatus, Status } from "../ui/Status";
import { useAction } from "./Reach";
import { waits } from "./tell";

/** What becomes of a job when the page is closed, by where the page is shown. */
export function afterClosing(mode: string): string {
  return mode === "window"
    ? "Closing the window asks first. What it carries out stops at its next safe point and loses nothing; it goes on where a worker runs, or with Resume."
    : "Closing this page stops nothing: the program that serves it goes on.";
}

/** JobList is every move that runs or waits for a person. */
export function JobList({ moves, onOpen }: { moves: MoveView[]; onOpen?: () => void }) {
  return (
    <ul className="list jobs">
      {moves.map((m, i) => {
        const [tone, word] = moveStatus(m);
        return (
          <li key={m.id}>
            <Link
              data-autofocus={onOpen && i === 0 ? true : undefined}
              to="/moves/$id"
              params={{ id: m.id }}
              className="job"
              onClick={onOpen}
            >
              <span className="strong cut">{m.label || m.tenant}</span>
              <span className="muted cut">
                {m.source} → {m.target}
              </span>
              <Status tone={tone}>{word}</Status>
              {m.rows > 0 && !m.settled ? (
                <span className="row meter">
                  <Bar share={m.rows_copied / m.rows} label={`${m.label || m.tenant} copied`} />
                </span>
              ) : null}
              <span className="num small muted">
                {m.error ? m.error.message : m.rows > 0 ? ofPlan(m.rows_copied, m.rows, "row") : m.phase ? m.phase : "not begun"}
              </span>
              <Age at={m.started_at ?? m.created_at} before="since " />
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

/** Jobs is the top bar's word on what runs and what waits, with the list under it. */
export function Jobs({ moves, mode }: { moves: MoveView[]; mode: string }) {
  const [open, setOpen] = useState(false);
  const all = useAction("go.moves");
  const running = moves.filter((m) => !m.settled);
  const waiting = moves.filter(waits);
  if (running.length === 0 && waiting.length === 0) return null;
  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" width={440} trapFocus returnFocus transitionProps={{ duration: 120 }}>
      <Popover.Target>
        <button type="button" className="topitem" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Mark tone={waiting.length > 0 ? "warn" : "run"} />
          <b>
            {waiting.length > 0
              ? waiting.length === 1
                ? "1 move waits for you"
                : `${waiting.length} moves wait for you`
              : `${plural(running.length, "move")} running`}
          </b>
        </button>
      </Popover.Target>
      <Popover.Dropdown p={0} aria-label="Running jobs">
        <JobList moves={[...waiting, ...running]} onOpen={() => setOpen(false)} />
        <div className="foot-note">
          <p>{afterClosing(mode)}</p>
          <button
            type="button"
            className="linkish"
            onClick={() => {
              setOpen(false);
              all();
            }}
          >
            All moves
          </button>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
