// The page of labels: renames one, merges it into another, or deletes it, in all corrections, with undo.

import { change } from "./bulk.js";
import { sayAnew, toast } from "./dom.js";
import "./suggest.js";

const list = document.getElementById("labels");

async function relabel(item, to) {
  if (item.dataset.busy) return;
  item.dataset.busy = "yes";
  const { label, count } = item.dataset;
  const number = item.querySelector(".number");
  const was = number.textContent;
  const pictures = (changed) => (changed === 1 ? "1 picture" : `${changed} pictures`);
  const done = await change(`?${new URLSearchParams({ label, corrected: "true" })}`, {
    action: "relabel", labels: to ? [label, to] : [label], matching: Number(count),
  }, {
    said: ({ changed }) => (to ? `"${label}" is "${to}" now, in ${pictures(changed)}.` : `"${label}" is deleted from ${pictures(changed)}.`),
    say: (text) => { number.textContent = text; },
    tell: sayAnew,
  });
  delete item.dataset.busy;
  if (!done) { number.textContent = was; return; }
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
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
