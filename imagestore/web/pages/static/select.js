// Choosing cards of a list: by their boxes, with Shift as far as here, with Ctrl anywhere on a card, by dragging a frame
// around them, all of them, or all that match; by keyboard with the arrows and X.

import { element } from "./dom.js";

const FAR = 6; // pixels that the pointer moves before it drags a frame
const ids = new Set();
let list = null;
let changed = () => {};
let isAll = false; // all that match, those that are not shown too
let last = null; // the card from which Shift reaches to the next

const cards = () => [...list.querySelectorAll(".card")];
const boxOf = (card) => card.querySelector(".pick");

export const chosen = () => (isAll ? "all" : [...ids]);
export const isChosen = () => isAll || ids.size > 0;

function show(card) {
  const is = isAll || ids.has(card.dataset.id);
  card.classList.toggle("chosen", is);
  boxOf(card).checked = is;
}

function tell() {
  list.classList.toggle("choosing", isChosen());
  cards().forEach(show);
  changed();
}

function put(some, is) {
  if (isAll) {
    isAll = false;
    cards().forEach((card) => ids.add(card.dataset.id));
  }
  for (const card of some) {
    if (is) ids.add(card.dataset.id);
    else ids.delete(card.dataset.id);
  }
  tell();
}

/** Choose or leave a card; with Shift all from the last one to it. */
function pick(card, isRange) {
  const all = cards();
  const is = !(isAll || ids.has(card.dataset.id));
  const [from, to] = [all.indexOf(last), all.indexOf(card)].sort((a, b) => a - b);
  put(isRange && from >= 0 ? all.slice(from, to + 1) : [card], isRange && from >= 0 ? true : is);
  last = card;
}

export function choose(which) {
  isAll = which === "all";
  if (which === "none" || isAll) ids.clear();
  if (which === "shown") cards().forEach((card) => ids.add(card.dataset.id));
  tell();
}

/** Forget pictures that are not there any more. */
export function forget(gone) {
  gone.forEach((id) => ids.delete(id));
  tell();
}

function prepare(card) {
  if (boxOf(card)) return;
  const box = element("input", { type: "checkbox", className: "pick", tabIndex: 0 });
  box.setAttribute("aria-label", `Choose ${card.querySelector(".name").textContent}`);
  card.prepend(box);
  show(card);
}

/** Move the focus by arrow keys, as the cards lie. */
function move(card, key) {
  const all = cards();
  const at = all.indexOf(card);
  const { top } = card.getBoundingClientRect();
  const across = all.filter((one) => Math.abs(one.getBoundingClientRect().top - top) < 4).length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, Home: -at, End: all.length - 1 - at };
  const to = all[at + steps[key]];
  if (to) to.querySelector("a").focus();
  return Boolean(to);
}

function pressed(event) {
  const card = event.target.closest?.(".card");
  const { key } = event;
  if (event.altKey) return;
  if (event.ctrlKey || event.metaKey) {
    if (key === "a" && card) { event.preventDefault(); choose("shown"); }
    return;
  }
  if (key === "Escape" && isChosen()) choose("none");
  if (!card) return;
  if (key === "x" || key === "X") { event.preventDefault(); pick(card, event.shiftKey); }
  if (["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(key)) {
    if (!move(card, key)) return;
    event.preventDefault();
    if (event.shiftKey) put([card, document.activeElement.closest(".card")], true);
  }
}

/** A frame that is dragged with the mouse: what it touches is chosen, in addition to what was. */
function drag(down) {
  if (down.button !== 0 || down.pointerType !== "mouse" || down.target.closest("input, button, .more")) return;
  const [x, y] = [down.pageX, down.pageY];
  const before = new Set(ids);
  let frame = null;
  const drawn = (event) => {
    const [left, top] = [Math.min(x, event.pageX), Math.min(y, event.pageY)];
    const [width, height] = [Math.abs(event.pageX - x), Math.abs(event.pageY - y)];
    if (!frame) {
      if (Math.max(width, height) < FAR) return;
      frame = document.body.appendChild(element("div", { className: "frame-dragged" }));
      isAll = false;
    }
    for (const [name, value] of Object.entries({ left, top, width, height })) frame.style.setProperty(name, `${value}px`);
    const box = frame.getBoundingClientRect();
    ids.clear();
    before.forEach((id) => ids.add(id));
    for (const card of cards()) {
      const at = card.getBoundingClientRect();
      if (at.left < box.right && at.right > box.left && at.top < box.bottom && at.bottom > box.top) ids.add(card.dataset.id);
    }
    tell();
  };
  const end = () => {
    removeEventListener("pointermove", drawn);
    if (!frame) return;
    frame.remove();
    addEventListener("click", (event) => { event.preventDefault(); event.stopPropagation(); }, { capture: true, once: true });
    setTimeout(() => { last = null; });
  };
  addEventListener("pointermove", drawn);
  addEventListener("pointerup", end, { once: true });
  addEventListener("pointercancel", end, { once: true });
}

/** Let the cards of this list, and those that come to it, be chosen. `tell` is called whenever the choice changes. */
export function selectable(of, tellOf) {
  list = of;
  changed = tellOf;
  cards().forEach(prepare);
  new MutationObserver((records) => {
    for (const { addedNodes } of records) for (const node of addedNodes) if (node.matches?.(".card")) prepare(node);
  }).observe(list, { childList: true });
  list.addEventListener("click", (event) => {
    const card = event.target.closest(".card");
    if (!card) return;
    if (event.target.matches(".pick")) { event.preventDefault(); setTimeout(pick, 0, card, event.shiftKey); return; }
    if (event.ctrlKey || event.metaKey || event.shiftKey) { event.preventDefault(); pick(card, event.shiftKey); }
  });
  document.addEventListener("keydown", (event) => { if (!event.target.matches("input:not(.pick), select, textarea")) pressed(event); });
  const around = list.closest("section");
  around.addEventListener("pointerdown", drag);
  around.addEventListener("dragstart", (event) => event.preventDefault());
}
