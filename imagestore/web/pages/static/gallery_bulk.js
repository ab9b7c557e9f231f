// The gallery's bar for what is chosen: label it, take corrections back, move it to training, classify again, delete, all with undo.

import { change } from "./bulk.js";
import { sayAnew, toast } from "./dom.js";
import { choose, chosen, forget, isChosen, selectable } from "./select.js";

const cards = document.getElementById("cards");
const bar = document.getElementById("bulk");
const status = document.getElementById("chosen");
const total = Number(bar.dataset.total);
let isBusy = false;

const number = (count) => (count === 1 ? "1 picture" : `${count.toLocaleString("en")} pictures`);
const count = () => (chosen() === "all" ? total : chosen().length);

/** The conditions in the page's address. */
function filter() {
  const query = new URLSearchParams([...new URLSearchParams(location.search)].filter(([, value]) => value));
  for (const other of ["after", "count", "find", "sort"]) query.delete(other);
  return query.size ? `?${query}` : "";
}

function show() {
  bar.hidden = !isChosen() && !isBusy;
  if (!isBusy) status.textContent = `${number(count())} chosen.`;
}

const SAID = {
  label: ({ labels, changed, same }) => `${number(changed + same)}: ${labels.join(", ")}.`,
  unlabel: ({ changed }) => `Corrections of ${number(changed)} are taken back.`,
  wrong: ({ changed, same }) => `${number(changed + same)}: what the model says is wrong. They come first on the page Label.`,
  to_training: ({ changed, same }) => `${number(changed + same)} to learn from, with the labels that they have${same ? `; ${same.toLocaleString("en")} ${same === 1 ? "was" : "were"} there already` : ""}.`,
  reprocess: ({ changed }) => `${number(changed)} will be classified again.`,
  delete: ({ changed }) => `${number(changed)} deleted. For an hour that can be undone.`,
};

async function run(action, labels) {
  if (isBusy || !isChosen()) return;
  const which = chosen();
  const query = which === "all" ? filter() : "";
  const body = { action, ...(labels && { labels }), ...(which === "all" ? { matching: total } : { pictures: which }) };
  isBusy = true;
  bar.setAttribute("aria-busy", "true");
  const done = await change(query, body, {
    said: SAID[action],
    say: (text) => { status.textContent = text; },
    tell: action === "delete" ? sayAnew : toast,
  });
  isBusy = false;
  bar.removeAttribute("aria-busy");
  if (done && action === "delete") {
    const gone = which === "all" ? [...cards.querySelectorAll(".card")].map((card) => card.dataset.id) : which;
    gone.forEach((id) => cards.querySelector(`[data-id="${id}"]`)?.remove());
    forget(gone);
  }
  if (done) {
    const hadFocus = bar.contains(document.activeElement);
    choose("none");
    if (hadFocus) (cards.querySelector(".card a") || document.getElementById("search")).focus({ preventScroll: true });
  }
  show();
}

if (cards) {
  selectable(cards, show);
  bar.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = document.getElementById("bulk-label");
    const label = field.value.trim();
    if (!label) { toast("Type the label."); field.focus(); return; }
    run("label", [label]);
  });
  bar.addEventListener("click", ({ target }) => {
    const button = target.closest("button[type=button]");
    if (button?.dataset.choose) choose(button.dataset.choose);
    if (button?.dataset.change) run(button.dataset.change);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "l" || event.ctrlKey || event.metaKey || event.altKey || !isChosen()) return;
    if (event.target.matches("input:not(.pick), select, textarea")) return;
    event.preventDefault();
    document.getElementById("bulk-label").focus();
  });
}
