// Small parts that the pages share.

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
}

/** Say something for a while; `action` is {text, run}. Returns what takes it away. */
export function toast(text, { action = null, seconds = 6 } = {}) {
  const box = element("div", { className: "toast" }, element("span", { textContent: text }));
  const remove = () => box.remove();
  if (action) {
    const button = element("button", { type: "button", className: "button", textContent: action.text });
    button.addEventListener("click", () => { remove(); action.run(); });
    box.append(button);
  }
  document.getElementById("toasts").append(box);
  if (seconds) setTimeout(remove, seconds * 1000);
  return remove;
}

/** What the server said was wrong, as a sentence. */
export async function explain(response) {
  try {
    return (await response.json()).detail || response.statusText;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

/** Ask the API; the answer, or null where it could not be done, which is then said. */
export async function ask(method, address) {
  let response;
  try {
    response = await fetch(`/api/v1${address}`, { method });
  } catch {
    toast("The server does not answer. Nothing was changed.");
    return null;
  }
  if (response.ok) return response.json();
  toast(await explain(response));
  return null;
}

/** A fragment of a page, null where there is none. */
export async function fragment(address) {
  try {
    const response = await fetch(address, { headers: { "x-fragment": "1" } });
    return response.ok ? parse(await response.text()) : null;
  } catch {
    return null;
  }
}
