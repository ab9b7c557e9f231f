// The page of models: it starts a job (promote, go back, classify everything again) and shows how far it is.

import { ask, fragment, localise, patientFetch, toast } from "./dom.js";
import { watch } from "./events.js";

const POLL_MS = 400;
const PAUSE_MS = 1000;
const main = document.getElementById("main");
let timer = null;
const job = () => document.getElementById("job");

/** The page as it is now, null while the server does not answer. */
async function read() {
  try {
    const response = await patientFetch(location.href);
    return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  } catch {
    return null;
  }
}

/** Show anew which model is live, and what there is to do. */
async function refresh() {
  const page = await read();
  if (!page) return;
  const hadFocus = main.contains(document.activeElement);
  const open = new Set([...main.querySelectorAll("details[open]")].map((one) => one.id));
  main.replaceChildren(...page.getElementById("main").childNodes);
  for (const one of main.querySelectorAll("details")) if (open.has(one.id)) one.open = true;
  localise(main);
  if (hadFocus && !job().hidden) job().focus({ preventScroll: true });
}

/** Show how far the job is until it ends. */
async function follow() {
  while (job().dataset.state === "running") {
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
    const found = await fragment("/models/job");
    if (!found) continue;
    const hadFocus = job().contains(document.activeElement);
    const wasOnButton = hadFocus && document.activeElement !== job();
    job().replaceWith(found.getElementById("job"));
    if (hadFocus) ((wasOnButton && job().querySelector("button")) || job()).focus({ preventScroll: true });
  }
  await refresh();
  const outcome = job().querySelector(".job-outcome");
  if (outcome) toast(outcome.textContent);
}

/** Show anew how many pictures are of another model. */
async function count() {
  timer = null;
  const others = (await read())?.getElementById("others");
  const shown = document.getElementById("others");
  if (others && others.textContent !== shown.textContent) shown.replaceWith(others);
}

async function start(address) {
  if (!(await ask("POST", address))) return;
  await refresh();
  await follow();
}

const actions = {
  promote: (button) => start(button.dataset.address),
  rollback: () => start("/models/rollback"),
  reprocess: () => start("/models/reprocess"),
  override: (button) => start(`${button.dataset.address}?${button.dataset.query}`),
  stop: () => ask("DELETE", "/job"),
};

main.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button) actions[button.dataset.do](button);
});
if (job().dataset.state === "running") follow();
const soon = () => { timer = timer || setTimeout(count, PAUSE_MS); };
watch({ picture: soon, deleted: soon, reset: soon });
