// Labels that look wrong: each picture gets the other label or keeps its own, by mouse or with one key, with undo.

import { ask, toast } from "./dom.js";

const list = document.getElementById("doubts");
const undoButton = document.getElementById("undo");
const left = document.getElementById("left");
const done = []; // {item, next}: what was answered, the last one at the end

const count = (change) => {
  left.dataset.count = Number(left.dataset.count) + change;
  left.textContent = Number(left.dataset.count).toLocaleString("en");
};
const address = (item) => `/projects/${encodeURIComponent(list.dataset.project)}/training/${item.dataset.sha256}`;
const items = () => [...list.children];
const current = () => document.activeElement.closest?.(".doubt") ?? list.firstElementChild;
const focus = (item) => item?.querySelector("button")?.focus();

async function answer(item, does) {
  if (!item || item.dataset.busy) return;
  item.dataset.busy = "yes";
  const has = JSON.parse(item.dataset.labels);
  const labels = does === "accept" ? JSON.parse(item.dataset.perhaps) : has;
  const answered = await ask("PUT", address(item), { labels, instead_of: has });
  delete item.dataset.busy;
  if (!answered) return;
  const next = item.nextElementSibling;
  const inside = item.contains(document.activeElement) || document.activeElement === document.body;
  done.push({ item, next });
  item.remove();
  undoButton.disabled = false;
  count(-1);
  if (inside) focus(next ?? list.lastElementChild);
  if (list.children.length === 0) {
    if (Number(left.dataset.count) > 0) location.reload();
    else { toast("All are answered. The next training learns from it."); undoButton.focus(); }
  }
}

async function undo() {
  const last = done.at(-1);
  if (!last || last.item.dataset.busy) return;
  last.item.dataset.busy = "yes";
  const undone = await ask("POST", `${address(last.item)}/undo`);
  delete last.item.dataset.busy;
  if (!undone) return;
  done.pop();
  list.insertBefore(last.item, last.next?.parentNode === list ? last.next : null);
  count(1);
  focus(last.item);
  undoButton.disabled = done.length === 0;
}

/** The item beside or, with `rows`, above or below this one. */
function near(item, step, rows) {
  const all = items();
  if (!rows) return all[all.indexOf(item) + step];
  const { left: x, top } = item.getBoundingClientRect();
  const others = all.filter((one) => Math.sign(one.getBoundingClientRect().top - top) === step);
  const far = (one) => { const box = one.getBoundingClientRect(); return Math.abs(box.top - top) * 1e4 + Math.abs(box.left - x); };
  return others.sort((one, other) => far(one) - far(other))[0];
}

if (list) {
  list.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-do]");
    if (button) answer(button.closest(".doubt"), button.dataset.do);
  });
  undoButton.addEventListener("click", undo);
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.target.closest("input, select, textarea")) return;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (key === "z") { event.preventDefault(); undo(); }
      return;
    }
    const moves = { arrowleft: [-1, false], arrowright: [1, false], arrowup: [-1, true], arrowdown: [1, true] };
    if (key === "a" || key === "k") { event.preventDefault(); answer(current(), key === "a" ? "accept" : "keep"); }
    else if (moves[key] && document.activeElement.closest?.(".doubt")) { event.preventDefault(); focus(near(current(), ...moves[key])); }
  });
  focus(list.firstElementChild);
}
