// The pictures with a label: some are chosen, as in the gallery, and get another label, with undo.

import { begin } from "./bulk.js";
import { patientFetch, sayAnew, toast } from "./dom.js";
import { choose, chosen, forget, isChosen, selectable } from "./select.js";
import "./suggest.js";

const cards = document.getElementById("cards");
const bar = document.getElementById("bulk");
const status = document.getElementById("chosen");
const field = document.getElementById("bulk-label");
let isBusy = false;

const number = (count) => (count === 1 ? "1 picture" : `${count.toLocaleString("en")} pictures`);

function show() {
  bar.hidden = !isChosen() && !isBusy;
  if (!isBusy) status.textContent = `${number(chosen().length)} chosen.`;
}

async function split(to) {
  if (isBusy || !isChosen()) return;
  const ids = chosen();
  const isLabelled = (id) => cards.querySelector(`[data-id="${id}"]`).dataset.labelled === "yes";
  const { project, label } = bar.dataset;
  isBusy = true;
  bar.setAttribute("aria-busy", "true");
  const done = await begin(`/projects/${encodeURIComponent(project)}/labels`, {
    label, to, pictures: ids.filter((id) => !isLabelled(id)), training: ids.filter(isLabelled),
  }, {
    said: ({ changed }) => `${number(Math.min(changed, ids.length))}: "${to}" instead of "${label}".`,
    say: (text) => { status.textContent = text; },
    tell: sayAnew,
  });
  isBusy = false;
  bar.removeAttribute("aria-busy");
  if (done) {
    ids.forEach((id) => cards.querySelector(`[data-id="${id}"]`).remove());
    forget(ids);
    choose("none");
    field.value = "";
    (cards.querySelector(".card a") || document.getElementById("main")).focus({ preventScroll: true });
  }
  show();
}

selectable(cards, show);
bar.addEventListener("submit", (event) => {
  event.preventDefault();
  const to = field.value.trim();
  if (!to || to === bar.dataset.label) { toast("Type another label."); field.focus(); return; }
  split(to);
});
bar.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-choose]");
  if (button) choose(button.dataset.choose);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "l" || event.ctrlKey || event.metaKey || event.altKey || !isChosen()) return;
  if (event.target.matches("input:not(.pick), select, textarea")) return;
  event.preventDefault();
  field.focus();
});
cards.addEventListener("click", async (event) => {
  const link = event.target.closest(".more a");
  if (!link) return;
  event.preventDefault();
  const response = await patientFetch(link.href).catch(() => null);
  if (!response?.ok) { toast("The next pictures could not be loaded."); return; }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const more = [...page.getElementById("cards").children];
  link.closest("li").replaceWith(...more);
  more[0]?.querySelector("a")?.focus({ preventScroll: true });
});
