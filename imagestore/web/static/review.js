// Review: one picture after the other to accept, correct or skip, by keyboard or mouse.

import { ask, toast } from "./dom.js";
import { watch } from "./events.js";

const main = document.getElementById("main");
const skipped = new Set();
let last = null; // what can be undone: {id, labels}
let isBusy = false;

const shown = () => document.getElementById("review");

/** Show what is next; the input has the focus, so that one can go on typing. */
async function next() {
  const response = await fetch(`/review?skip=${[...skipped].slice(-100).join(",")}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  main.replaceChildren(...page.getElementById("main").childNodes);
  if (!shown()) return;
  document.getElementById("undo").disabled = last === null;
  document.getElementById("label").focus({ preventScroll: true });
}

/** Do one thing at a time, however fast one types. */
async function alone(run) {
  if (isBusy) return;
  isBusy = true;
  try { await run(); } finally { isBusy = false; }
}

/** What the model says of the picture. */
const predicted = () => [shown().dataset.label, ...JSON.parse(shown().dataset.others ?? "[]")];

async function save(labels) {
  const { id, randomSample } = shown().dataset;
  const query = new URLSearchParams(labels.map((label) => ["label", label]));
  query.set("random_sample", randomSample !== undefined);
  if (!(await ask("PUT", `/pictures/${id}/correction?${query}`))) return;
  last = { id, labels };
  await next();
}

async function undo() {
  if (!last || !(await ask("DELETE", `/pictures/${last.id}/correction`))) return;
  toast(`"${last.labels.join(", ")}" is taken back.`);
  last = null;
  await next();
}

function skip() {
  skipped.add(shown().dataset.id);
  return next();
}

main.addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = document.getElementById("label").value.trim();
  alone(() => save(typed ? [typed] : predicted()));
});
main.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "accept") alone(() => save(predicted()));
  if (button.id === "skip") alone(skip);
  if (button.id === "undo") alone(undo);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown()) alone(skip);
});
if (shown()) document.getElementById("label").focus({ preventScroll: true });
watch({}); // nothing here changes by itself, but the page says when the server does not answer
