// The page of labels: renames one, merges it into another, or deletes it, in all pictures of a project, with undo.

import { begin } from "./bulk.js";
import { patientFetch, sayAnew, submitWhenChosen, toast } from "./dom.js";
import "./suggest.js";

const list = document.getElementById("labels");

/** What came of it, in a sentence. Of `count` pictures, some may have been changed in several places. */
function said(label, to, isMerged, count) {
  const number = (changed) => Math.min(changed, count);
  const pictures = (changed) => (number(changed) === 1 ? "1 picture" : `${number(changed).toLocaleString("en")} pictures`);
  return ({ changed }) => (!to ? `"${label}" is deleted from ${pictures(changed)}.`
    : isMerged ? `"${label}" is part of "${to}" now, with ${pictures(changed)}.` : `"${label}" is "${to}" now, in ${pictures(changed)}.`);
}

async function relabel(item, to) {
  if (item.dataset.busy) return;
  item.dataset.busy = "yes";
  const { label } = item.dataset;
  const number = item.querySelector(".number");
  const was = number.textContent;
  const isMerged = to !== null && list.querySelector(`[data-label="${CSS.escape(to)}"]`) !== null;
  const done = await begin(`/projects/${encodeURIComponent(list.dataset.project)}/labels`, { label, to }, {
    said: said(label, to, isMerged, Number(number.dataset.count)),
    say: (text) => { number.textContent = text; },
    tell: sayAnew,
  });
  delete item.dataset.busy;
  if (!done) { number.textContent = was; return; }
  const page = new DOMParser().parseFromString(await (await patientFetch(location.href)).text(), "text/html");
  const now = page.getElementById("labels");
  if (!now) { list.replaceChildren(); document.getElementById("main").focus(); return; }
  list.replaceChildren(...now.childNodes);
  (list.querySelector(`[data-label="${CSS.escape(to ?? "")}"] input`) || list.querySelector("input"))?.focus();
}

list?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = event.target.querySelector("input");
  const to = field.value.trim();
  const item = event.target.closest("li");
  if (!to || to === item.dataset.label) { toast("Type another name."); field.focus(); return; }
  relabel(item, to);
});
list?.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-do=delete]");
  if (button) relabel(button.closest("li"), null);
});
const ofProject = document.getElementById("of-project");
if (ofProject) submitWhenChosen(ofProject);
