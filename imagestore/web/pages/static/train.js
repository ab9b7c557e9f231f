// The page on which a model is trained: it begins a training, shows how far it is, and says when it is done.

import { ask, fragment, localise, patientFetch, submitWhenChosen, toast } from "./dom.js";
import { askLeave, canAsk, notify } from "./notify.js";

const BUSY_MS = 1000; // while work waits or runs
const QUICK = { backbone: "lite0", level: false, middle: false, views: 0 }; // the simplest of each, so that none is tried
const IDLE_MS = 5000; // another may begin some
const { project } = document.getElementById("state").dataset;
const work = () => document.getElementById("work");
let asked = 0;

/** Show what of the page the server knows anew, and keep the focus on what takes its place. */
function put(found, shown) {
  if (found.isEqualNode(shown)) return;
  const { activeElement } = document;
  const inside = shown.contains(activeElement);
  const place = inside && (activeElement.id ? `#${activeElement.id}` : `[data-do="${activeElement.dataset.do}"]`);
  for (const one of found.querySelectorAll("details[id]")) {
    const before = document.getElementById(one.id);
    if (before) one.open = before.open;
  }
  shown.replaceWith(found);
  localise(found);
  if (inside) (found.querySelector(place) || found.querySelector("button:not([hidden]), a") || found).focus({ preventScroll: true });
}

function offerNotice() {
  const button = work().querySelector("[data-do=notify]");
  if (button) button.hidden = !canAsk();
}

/** Show the work as it is now. Of two answers the later question's counts. */
async function refresh() {
  const mine = ++asked;
  const found = (await fragment(location.href))?.getElementById("work");
  if (!found || mine !== asked) return;
  const before = { ...work().dataset };
  const hidden = work().querySelector("[data-do=notify]")?.hidden ?? true;
  const button = found.querySelector("[data-do=notify]");
  if (button) button.hidden = hidden;
  put(found, work());
  offerNotice();
  const { open, job } = work().dataset;
  if (before.job === job && before.open === open) return;
  await refreshState();
  if (open === "no" && (before.open === "yes" || before.job !== job)) {
    const text = work().querySelector(".job-outcome")?.textContent ?? "";
    toast(text, { seconds: 20 });
    notify(work().querySelector("h2").textContent, text);
  }
}

/** Show what is labelled, and whether it can be learned from, as it is now. */
export async function refreshState() {
  let page;
  try {
    const response = await patientFetch(location.href);
    if (!response.ok) return;
    page = new DOMParser().parseFromString(await response.text(), "text/html");
  } catch {
    return;
  }
  const chosen = new FormData(document.getElementById("train"));
  const found = document.adoptNode(page.getElementById("state"));
  for (const [name, value] of chosen) {
    for (const field of found.querySelectorAll(`#train [name="${name}"]`)) {
      if (field.type === "radio") field.toggleAttribute("checked", field.value === value);
      else field.value = value;
    }
  }
  put(found, document.getElementById("state"));
}

async function follow() {
  for (;;) {
    const pause = work().dataset.open === "yes" ? BUSY_MS : IDLE_MS;
    await new Promise((resolve) => { setTimeout(resolve, pause); });
    if (!document.hidden || work().dataset.open === "yes") await refresh(); // a notification is for who looks elsewhere
  }
}

/** What the training is held to; what is left to it is left out. */
function wanted(form) {
  const chosen = Object.fromEntries(new FormData(form));
  const told = { right: Number(chosen.right) };
  if (chosen.tried) Object.assign(told, QUICK);
  if (chosen.fit) told.fit = chosen.fit;
  for (const name of ["colour", "flip", "same_case"]) if (chosen[name]) told[name] = chosen[name] === "yes";
  return told;
}

async function train(form) {
  const job = await ask("POST", `/projects/${encodeURIComponent(project)}/train`, wanted(form));
  if (job) toast("The training is put in.");
  await refresh();
  if (job) work().focus({ preventScroll: false });
}

async function create(form) {
  const made = await ask("POST", "/projects", Object.fromEntries(new FormData(form)));
  if (made) location.assign(`/train?${new URLSearchParams({ project: made.name })}`);
}

const actions = {
  cancel: (button) => ask("POST", `/jobs/${button.dataset.id}/cancel`),
  promote: (button) => ask("POST", button.dataset.address),
  override: (button) => ask("POST", `${button.dataset.address}?${button.dataset.query}`),
  notify: async () => {
    toast((await askLeave()) ? "A notification will say so, as long as this page is open." : "The browser does not allow it.");
  },
};

const main = document.getElementById("main");
main.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-do]");
  const act = button && actions[button.dataset.do];
  if (!act || button.dataset.busy) return; // a button that is disabled would lose the focus
  button.dataset.busy = "yes";
  await act(button);
  delete button.dataset.busy;
  await refresh();
});
main.addEventListener("submit", (event) => {
  const does = { train, create }[event.target.id];
  if (!does) return;
  event.preventDefault();
  does(event.target);
});
submitWhenChosen(document.getElementById("choose"));
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
offerNotice();
follow();
