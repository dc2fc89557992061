import { Button, type ButtonProps } from "@mantine/core";
import { createContext, use, useEffect, useRef } from "react";
import { type ActionId, action, keysOf, perform, type Reach, type Via } from "./actions";
import type { Handler } from "./here";
import { apple } from "./platform";

const context = createContext<Reach | null>(null);
export const ReachProvider = context.Provider;

/** useAction returns what carries an action out. */
export function useAction(id: ActionId, via: Via = "button"): () => void {
  const reach = use(context);
  return () => {
    if (reach) perform(action(id), reach, via);
  };
}

/** useHere lets a screen carry out actions of the table for as long as it is in sight; an undefined one is not possible now. */
export function useHere(handlers: Partial<Record<ActionId, Handler | undefined>>): void {
  const reach = use(context);
  const latest = useRef(handlers);
  latest.current = handlers;
  const able = Object.entries(handlers)
    .filter(([, h]) => h)
    .map(([id]) => id)
    .join(" ");
  const here = reach?.here;
  useEffect(() => {
    if (!here || !able) return;
    return here.add(
      Object.fromEntries(able.split(" ").map((id) => [id, (via: Via) => latest.current[id as keyof typeof handlers]?.(via)])),
    );
  }, [here, able]);
}

/** ActionButton is a button of the table: its words and its key are the table's. */
export function ActionButton({ id, children, ...rest }: { id: ActionId; children?: string } & ButtonProps) {
  const run = useAction(id);
  const a = action(id);
  const keys = keysOf(a, apple());
  return (
    <Button title={keys ? `${a.title} (${keys})` : undefined} onClick={run} {...rest}>
      {children ?? a.title}
    </Button>
  );
}
