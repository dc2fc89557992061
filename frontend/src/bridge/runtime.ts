/** The part of the Wails runtime that the page uses. */
export interface Runtime {
  EventsOn(event: string, handler: (payload: unknown) => void): () => void;
}
