// Review: one picture after the other to accept, correct or skip, by keyboard or mouse.

import { ask, patientFetch, toast } from "./dom.js";
import { watch } from "./events.js";

const main = document.getElementById("main");
const HISTORY = "reviewed"; // in the tab's storage, so that it outlives other pages and a reload
const MOST_KEPT = 1000;
const skipped = new Set();
let isBusy = false;

const shown = () => document.getElementById("review");

/** What was said in this tab and can be undone, the latest last: [{id, labels, randomSample}]. */
function history() {
  try { return JSON.parse(sessionStorage.getItem(HISTORY)) ?? []; } catch { return []; }
}

function remember(said) {
  try { sessionStorage.setItem(HISTORY, JSON.stringify(said.slice(-MOST_KEPT))); } catch { /* then there is no undo */ }
}

/** What belongs to the picture that is shown. The input has the focus, so that one can go on typing. */
function begin() {
  const undoable = history().length;
  for (const button of document.querySelectorAll("#undo")) {
    button.disabled = undoable === 0;
    button.textContent = undoable > 1 ? `Undo (${undoable})` : "Undo";
  }
  document.getElementById("label")?.focus({ preventScroll: true });
}

/** Show what is next, or `again` what was said to be something by mistake: {id, randomSample}. */
async function next(again = null) {
  const query = new URLSearchParams({ skip: [...skipped].slice(-100).join(","), ...(again && { again: again.id }) });
  const response = await patientFetch(`/review?${query}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  main.replaceChildren(...page.getElementById("main").childNodes);
  if (again && shown()?.dataset.id === again.id) shown().toggleAttribute("data-random-sample", again.randomSample);
  begin();
}

/** Do one thing at a time, however fast one types. */
async function alone(run) {
  if (isBusy) return;
  isBusy = true;
  try { await run(); } finally { isBusy = false; }
}

const choices = () => [...document.querySelectorAll("[data-choose]")];

/** Whether several labels may hold, which the bars then show as buttons that are in or out. */
const hasSeveral = () => choices().some((button) => button.hasAttribute("aria-pressed"));

/** What "Yes" says: what the model says, with what was taken in or out by its bar. */
function accepted() {
  const predicted = [shown().dataset.label, ...JSON.parse(shown().dataset.others ?? "[]")];
  if (!hasSeveral()) return predicted;
  const offered = choices().map((button) => button.dataset.choose);
  const taken = choices().filter((button) => button.ariaPressed === "true").map((button) => button.dataset.choose);
  return [...taken, ...predicted.filter((label) => !offered.includes(label))];
}

async function save(labels) {
  if (labels.length === 0) { toast("Take one label in at least, or type one."); return; }
  const { id } = shown().dataset;
  const randomSample = shown().dataset.randomSample !== undefined;
  const query = new URLSearchParams(labels.map((label) => ["label", label]));
  query.set("random_sample", randomSample);
  if (!(await ask("PUT", `/pictures/${id}/correction?${query}`))) return;
  remember([...history(), { id, labels, randomSample }]);
  await next();
}

function choose(button) {
  if (!hasSeveral()) return alone(() => save([button.dataset.choose]));
  button.ariaPressed = String(button.ariaPressed !== "true");
  return null;
}

/** Take back the latest that can be taken back; a picture that is gone meanwhile is passed over. */
async function undo() {
  const said = history();
  while (said.length > 0) {
    const last = said.at(-1);
    const response = await patientFetch(`/api/v1/pictures/${last.id}/correction`, { method: "DELETE" }).catch(() => null);
    if (!response?.ok && response?.status !== 404) {
      toast(response ? "It could not be taken back just now." : "The server does not answer. Nothing was changed.");
      return;
    }
    said.pop();
    remember(said);
    if (response.ok) {
      toast(`"${last.labels.join(", ")}" is taken back.`);
      skipped.delete(last.id);
      await next(last);
      return;
    }
  }
  begin();
}

function skip() {
  skipped.add(shown().dataset.id);
  return next();
}

main.addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = document.getElementById("label").value.trim();
  alone(() => save(typed ? [typed] : accepted()));
});
main.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "accept") alone(() => save(accepted()));
  if (button.dataset.choose !== undefined) choose(button);
  if (button.id === "skip") alone(skip);
  if (button.id === "undo") alone(undo);
});
document.addEventListener("keydown", (event) => {
  if (!shown() && event.key !== "z") return;
  const typed = document.getElementById("label");
  if (event.key === "Escape") { alone(skip); return; }
  if (event.target.matches("input") && event.target.value !== "") return; // a label is being typed
  if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); alone(undo); return; }
  const button = /^[1-9]$/.test(event.key) && choices()[event.key - 1];
  if (!button || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  event.preventDefault();
  choose(button);
  typed?.focus({ preventScroll: true });
});
begin();
watch({}); // nothing here changes by itself, but the page says when the server does not answer
