// What lies around the page: the title of its window or tab, and the notices
// of the system. Inside the window Wails has them, in a browser the browser.

/** setTitle names the window or the tab. */
export function setTitle(title: string): void {
  document.title = title;
  window.runtime?.WindowSetTitle?.(title);
}

export type Permission = "granted" | "denied" | "unasked" | "none";

/** noticePermission says whether the system shows notices of this page. */
export function noticePermission(): Permission {
  if (window.runtime?.SendNotification) return "granted";
  if (typeof Notification === "undefined") return "none";
  return Notification.permission === "default" ? "unasked" : Notification.permission;
}

let ready: Promise<boolean> | undefined;

async function wails(): Promise<boolean> {
  const r = window.runtime;
  if (!r?.SendNotification || !(await r.IsNotificationAvailable?.())) return false;
  await r.InitializeNotifications?.();
  return (await r.RequestNotificationAuthorization?.()) ?? true;
}

/** askForNotices asks the system, and the person where the system does. */
export async function askForNotices(): Promise<Permission> {
  if (window.runtime?.SendNotification) {
    ready ??= wails().catch(() => false);
    return (await ready) ? "granted" : "none";
  }
  if (typeof Notification === "undefined") return "none";
  const answer = await Notification.requestPermission();
  return answer === "default" ? "unasked" : answer;
}

/** sendNotice shows a notice of the system where it may; a newer one with the same id takes its place. */
export async function sendNotice(id: string, title: string, body: string, onOpen: () => void): Promise<boolean> {
  try {
    if (window.runtime?.SendNotification) {
      ready ??= wails().catch(() => false);
      if (!(await ready)) return false;
      await window.runtime.SendNotification({ id, title, body });
      return true;
    }
    if (noticePermission() !== "granted") return false;
    const notice = new Notification(title, { body, tag: id });
    notice.onclick = () => {
      window.focus();
      onOpen();
    };
    return true;
  } catch {
    return false; // a system without a place for notices; the top bar says the same
  }
}
