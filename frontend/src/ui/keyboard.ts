/** typing reports whether a key belongs to a field that somebody writes in. */
export function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

/** covered reports whether a dialogue lies over the page. */
export function covered(): boolean {
  return document.querySelector('[role="dialog"]') !== null;
}
