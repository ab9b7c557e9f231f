// Small parts that the pages share.

const MOST_TOASTS = 3;
const UNITS = ["kB", "MB", "GB", "TB"];

/** An element with properties and children; text is always text, never markup. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

/** The element in a fragment that the server rendered (and escaped). */
export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  localise(template.content);
  return template.content;
}

/** Show times as they are here. */
export function localise(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) time.textContent = format.format(moment);
  }
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
  for (const hour of root.querySelectorAll("[data-hour]")) { // in charts, "09:00" or "09:00 UTC: 3 classified"
    hour.textContent = hour.textContent.replace(/^\d\d:\d\d( UTC)?/, clock.format(new Date(hour.dataset.hour)));
  }
  for (const zone of root.querySelectorAll(".zone")) {
    zone.textContent = `Hours are in local time (${clock.resolvedOptions().timeZone}).`;
  }
}

/** Take the oldest of the toasts away; one with a button only if all have one, since it offers to undo something. */
function dropOldestToast(toasts) {
  ([...toasts.children].find((one) => !one.querySelector("button")) || toasts.firstElementChild).remove();
}

/** Say something for a while, beside two other toasts at most; `action` is {text, run}. Returns what takes it away. */
export function toast(text, { action = null, seconds = 6 } = {}) {
  const toasts = document.getElementById("toasts");
  const box = element("div", { className: "toast" }, element("span", { textContent: text }));
  const remove = () => box.remove();
  if (action) {
    const button = element("button", { type: "button", className: "button", textContent: action.text });
    button.addEventListener("click", () => { remove(); action.run(); });
    box.append(button);
  }
  while (toasts.children.length >= MOST_TOASTS) dropOldestToast(toasts);
  toasts.append(box);
  if (seconds) setTimeout(remove, seconds * 1000);
  return remove;
}

/** Submit a form when something is chosen in it by mouse or finger. Who chooses by keyboard passes by other choices, and
 * presses the form's button. */
export function submitWhenChosen(form, which = "select") {
  let isByKey = false;
  form.addEventListener("keydown", () => { isByKey = true; });
  form.addEventListener("pointerdown", () => { isByKey = false; });
  form.addEventListener("change", ({ target }) => { if (!isByKey && target.matches(which)) form.requestSubmit(); });
}

/** Load the page anew, and say something on it then. */
export function sayAnew(text) {
  sessionStorage.setItem("say", text);
  location.reload();
}

/** Say what was to be said once the page is there again. */
export function sayWhatWaits() {
  const text = sessionStorage.getItem("say");
  sessionStorage.removeItem("say");
  if (text) toast(text);
}

/** A number of bytes as people read it: "999 bytes", "1.5 kB", "210 MB" (1 kB is 1,000 bytes). */
export function sizeInWords(bytes) {
  if (bytes < 1000) return bytes === 1 ? "1 byte" : `${bytes} bytes`;
  const power = Math.min(UNITS.length, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** power).toFixed(1))} ${UNITS[power - 1]}`;
}

/** What the server said was wrong, as a sentence. */
export async function explain(response) {
  try {
    return (await response.json()).detail || response.statusText;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

const TRIES = 4;
const BUSY = [429, 503]; // the server says when to ask again; with 429 it has surely not done what it was asked
const LONGEST_PAUSE_S = 60;

export const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** After how many seconds a server that is busy wants to be asked again, by the value of its header Retry-After. */
export function secondsToWait(retryAfter, otherwise) {
  const seconds = Number.parseInt(retryAfter, 10);
  return Number.isNaN(seconds) ? otherwise : Math.min(Math.max(seconds, 1), LONGEST_PAUSE_S);
}

let unsay = null; // takes away what was said last of a server that is busy

/** Say that the server is busy and is asked again in so many seconds; once, however many requests wait. */
export function sayBusy(seconds) {
  unsay?.();
  unsay = toast(`The server is busy. Trying again in ${seconds} s …`, { seconds });
}

/** As fetch, but a server that is busy is asked again when it wants to be, and people are told that they wait. */
export async function patientFetch(address, options) {
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(address, options);
    const asked = response.headers.get("Retry-After");
    const mayBeDone = response.status === 503 && options?.method === "POST"; // and would be done twice
    if (!BUSY.includes(response.status) || mayBeDone || asked === null || attempt === TRIES) return response;
    const seconds = secondsToWait(asked, 1);
    sayBusy(seconds);
    await pause(1000 * seconds);
  }
}

/** Ask the API, with an object as the body if there is one; the answer, or null where it could not be done, which is
 * then said. */
export async function ask(method, address, body) {
  const sent = body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  let response;
  try {
    response = await patientFetch(`/api/v1${address}`, { method, ...sent });
  } catch {
    toast("The server does not answer. Nothing was changed.");
    return null;
  }
  if (response.ok) return response.json();
  toast(await explain(response));
  return null;
}

/** Ask the API what may be asked again, some times while it does not answer or is busy; null where it never did. */
export async function askAgain(method, address) {
  for (let pauseMs = 500; pauseMs <= 8000; pauseMs *= 2) {
    try {
      const response = await fetch(`/api/v1${address}`, { method });
      if (response.ok) return await response.json();
      if (response.status < 500 && response.status !== 429) return null;
    } catch { /* the next time it may answer */ }
    await pause(pauseMs);
  }
  return null;
}

/** A fragment of a page, null where there is none. */
export async function fragment(address) {
  try {
    const response = await patientFetch(address, { headers: { "x-fragment": "1" } });
    return response.status === 200 ? parse(await response.text()) : null;
  } catch {
    return null;
  }
}
