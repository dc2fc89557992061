import { createContext, use } from "react";
import { type ActionId, action, type Reach } from "./actions";

const context = createContext<Reach | null>(null);
export const ReachProvider = context.Provider;

/** useAction returns what a button of an action does. */
export function useAction(id: ActionId): () => void {
  const reach = use(context);
  return () => {
    if (reach) action(id).run(reach);
  };
}
