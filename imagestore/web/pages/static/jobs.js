// The page of jobs: it shows how far they are, cancels one, and puts one in again.

import { ask, fragment, toast } from "./dom.js";

const BUSY_MS = 1000; // while one waits or runs
const IDLE_MS = 5000; // another may put one in
const list = () => document.getElementById("jobs");
let asked = 0;

/** Show the jobs as they are now. Of two answers the later question's counts. */
async function refresh() {
  const mine = ++asked;
  const found = (await fragment(location.href))?.getElementById("jobs");
  if (!found || mine !== asked) return;
  const shown = list();
  if (found.isEqualNode(shown)) return;
  for (const one of found.querySelectorAll("details")) {
    const before = document.getElementById(one.id);
    if (before) one.open = before.open;
  }
  const { activeElement } = document;
  const inside = shown.contains(activeElement) && activeElement !== shown;
  const job = inside && activeElement.closest("li")?.id;
  const does = inside && activeElement.dataset.do;
  shown.replaceWith(found);
  if (!inside) return;
  const place = job && document.getElementById(job);
  const button = place && (place.querySelector(`[data-do="${does}"]`) || place.querySelector("button, summary"));
  (button || found).focus({ preventScroll: true });
}

async function follow() {
  for (;;) {
    const pause = list().dataset.open === "yes" ? BUSY_MS : IDLE_MS;
    await new Promise((resolve) => { setTimeout(resolve, pause); });
    if (!document.hidden) await refresh();
  }
}

const actions = {
  cancel: (button) => ask("POST", `/jobs/${button.dataset.id}/cancel`),
  retry: (button) => ask("POST", `/jobs/${button.dataset.id}/retry`),
  override: (button) => ask("POST", `${button.dataset.address}?${button.dataset.query}`),
};
const said = { cancel: "It is being cancelled.", retry: "It was put in again.", override: "It was put in again." };

document.getElementById("main").addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-do]");
  if (!button || button.dataset.busy) return; // a button that is disabled would lose the focus
  button.dataset.busy = "yes";
  if (await actions[button.dataset.do](button)) toast(said[button.dataset.do]);
  delete button.dataset.busy;
  await refresh();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
follow();
