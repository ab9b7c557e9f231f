// Notifications of the browser: asked for on a click alone, and shown when work ends while the page is open.

const isThere = () => "Notification" in window && window.isSecureContext;

/** Whether the person could still be asked. */
export const canAsk = () => isThere() && Notification.permission === "default";

/** Ask; true where the person allows it. To be called on a click. */
export async function askLeave() {
  return isThere() && (await Notification.requestPermission()) === "granted";
}

/** Show this text, if the person has allowed it. */
export function notify(title, text) {
  if (!isThere() || Notification.permission !== "granted") return;
  try {
    const shown = new Notification(title, { body: text, tag: "work" });
    shown.addEventListener("click", () => { window.focus(); shown.close(); });
  } catch { /* browsers of phones show none from a page */ }
}
