// Fields that suggest labels while one types (data-suggest): their list is filled with what the server finds.

import { element } from "./dom.js";

const PAUSE_MS = 120;
const timers = new WeakMap();

async function fill(field) {
  const typed = field.value.trim();
  const list = document.getElementById(field.getAttribute("list"));
  if (!typed || !list) return;
  let found;
  try {
    const response = await fetch(`/api/v1/labels?${new URLSearchParams({ q: typed, limit: 8 })}`);
    if (!response.ok) return;
    found = await response.json();
  } catch {
    return; // suggestions are a comfort: without them one types on
  }
  if (field.value.trim() !== typed) return;
  list.replaceChildren(...found.map(({ label, count }) => element("option", { value: label, label: count ? `${label} (${count})` : label })));
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches?.("[data-suggest]")) return;
  clearTimeout(timers.get(target));
  timers.set(target, setTimeout(fill, PAUSE_MS, target));
});
