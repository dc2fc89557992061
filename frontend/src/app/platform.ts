/** apple reports whether the keyboard has a ⌘ where others have Ctrl. */
export function apple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.platform);
}
