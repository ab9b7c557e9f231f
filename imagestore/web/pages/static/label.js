// Labelling by keyboard: a key for a group of look-alikes. What was said is sent in the background, one after the other, and
// each can be undone exactly.

import { ask, patientFetch, toast } from "./dom.js";
import { finish, undo as undoChange } from "./bulk.js";
import { watch } from "./events.js";
import "./suggest.js";

const main = document.getElementById("main");
const done = []; // what can be undone, the last at the end: {group, label, count, change: a promise of its id}
const given = new Set(); // the labels that were given here: their digits stay
let chain = Promise.resolve(); // what is sent, one after the other
let current = null; // the group that is labelled next
let open = 0; // how many answers are waited for

const all = () => [...main.querySelectorAll(".group")];
const isLeft = (group) => !group.dataset.label;
const idsOf = (group) => [...group.querySelectorAll(".member[aria-pressed=true]")].map((one) => one.dataset.id);
const whole = (group) => group.querySelector(".whole");

function showWaiting(by) {
  const shown = document.getElementById("waiting");
  shown.dataset.count = Math.max(0, Number(shown.dataset.count) + by);
  shown.textContent = Number(shown.dataset.count).toLocaleString("en");
  document.getElementById("undo").disabled = done.length === 0;
}

function goTo(group) {
  current = group;
  for (const one of all()) one.classList.toggle("current", one === group);
  if (!group) return;
  whole(group).focus({ preventScroll: true });
  group.scrollIntoView({ block: "nearest" });
}

function mark(group, label) {
  if (label === null) delete group.dataset.label;
  else group.dataset.label = label;
  group.querySelector(".caption strong").textContent = label ?? group.dataset.suggestion;
}

function count(by) {
  open += by;
  document.documentElement.dataset.sending = open;
}

/** Send one thing after the other; what is sent next waits for it. */
function send(run) {
  count(1);
  const sent = chain.then(run).finally(() => { count(-1); });
  chain = sent.catch(() => {});
  return sent;
}

/** Say of these groups that they show this label, and go on to the next group. */
function label(groups, text) {
  const ids = groups.flatMap(idsOf);
  if (ids.length === 0) { toast("All its pictures are left out."); return; }
  groups.forEach((group) => mark(group, text));
  const entry = { groups, count: ids.length };
  entry.change = send(async () => {
    const begun = await ask("POST", "/changes", { action: "label", labels: [text], pictures: ids });
    const change = begun && await finish(begun);
    if (!change) {
      groups.forEach((group) => mark(group, null));
      done.splice(done.indexOf(entry), 1);
      showWaiting(ids.length);
      if (begun) toast("It stopped before the end: see Changes.");
      return null;
    }
    if (change.left_alone) toast(`${change.left_alone === 1 ? "1 was" : `${change.left_alone} were`} left alone: see Changes.`);
    return change.id;
  });
  done.push(entry);
  showWaiting(-ids.length);
  remember(text);
  const next = all().slice(all().indexOf(groups.at(-1))).find(isLeft) || all().find(isLeft);
  if (next) goTo(next);
  else refill();
}

/** A label that was typed takes a digit: the next free one, or that of the last label that nobody has given here yet. */
function remember(text) {
  given.add(text);
  const list = document.getElementById("digits");
  const known = [...list.querySelectorAll("[data-label]")];
  if (known.length === 0 || known.some((one) => one.dataset.label === text)) return;
  const isFull = known.length >= 9;
  const item = isFull ? known.findLast((one) => !given.has(one.dataset.label))?.closest("li") : known[0].closest("li").cloneNode(true);
  if (!item) return;
  const button = item.querySelector("button");
  if (!isFull) {
    button.dataset.digit = known.length + 1;
    button.querySelector("kbd").textContent = known.length + 1;
    list.append(item);
  }
  button.dataset.label = text;
  button.querySelector("bdi").textContent = text;
}

async function undoLast() {
  const entry = done.pop();
  if (!entry) return;
  await send(async () => {
    const id = await entry.change;
    if (!id || !(await undoChange(id))) return;
    entry.groups.forEach((group) => mark(group, null));
    showWaiting(entry.count);
    if (entry.groups[0].isConnected) goTo(entry.groups[0]);
    else await refill();
  });
}

/** Give the current group the label that the model suggests; all groups with the same suggestion, if `ofAll`. */
function confirm(ofAll) {
  const { suggestion } = current.dataset;
  label(ofAll ? all().filter((one) => isLeft(one) && one.dataset.suggestion === suggestion) : [current], suggestion);
}

/** Show the next pictures, once all that was said is sent. The digits stay what they were. */
async function refill() {
  await chain;
  const digits = document.getElementById("digits");
  const response = await patientFetch(location.href);
  if (!response.ok) { toast("The next pictures could not be loaded. Load the page again."); return; }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  main.replaceChildren(...page.getElementById("main").childNodes);
  document.getElementById("digits")?.replaceWith(digits);
  if (document.getElementById("groups")) {
    document.getElementById("undo").disabled = done.length === 0;
    goTo(all()[0]);
  } else main.focus();
}

function move(key) {
  const groups = all();
  const at = groups.indexOf(current);
  const here = current.getBoundingClientRect();
  if (key === "ArrowLeft" || key === "ArrowRight") { goTo(groups[at + (key === "ArrowLeft" ? -1 : 1)] ?? current); return; }
  const beyond = groups.filter((one) => {
    const { top } = one.getBoundingClientRect();
    return key === "ArrowUp" ? top < here.top - 4 : top > here.top + 4;
  });
  const distance = (one) => {
    const box = one.getBoundingClientRect();
    return Math.abs(box.top - here.top) * 10 + Math.abs(box.left - here.left);
  };
  goTo(beyond.sort((a, b) => distance(a) - distance(b))[0] ?? current);
}

const ofDigit = (digit) => document.querySelector(`#digits [data-digit="${digit}"]`)?.dataset.label;

document.addEventListener("keydown", (event) => {
  const { key } = event;
  const typed = document.getElementById("typed");
  if (!typed) return;
  if ((event.ctrlKey || event.metaKey) && key === "z" && event.target !== typed) { event.preventDefault(); undoLast(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target === typed) {
    if (key === "Escape") { typed.value = ""; goTo(current ?? all().find(isLeft)); }
    return;
  }
  if (!current || !event.target.closest(".group, body > main, html") || event.target.closest("a, #say")) return;
  if (key.startsWith("Arrow")) { event.preventDefault(); move(key); return; }
  if (/^[1-9]$/.test(key) && ofDigit(key)) { event.preventDefault(); label([current], ofDigit(key)); return; }
  if (key === "Enter" && !event.target.matches(".member")) {
    event.preventDefault();
    confirm(event.shiftKey);
    return;
  }
  if (key.length === 1 && /\p{L}/u.test(key)) { typed.value = ""; typed.focus(); }
});

main.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.getElementById("typed");
  const text = field.value.trim();
  if (!text) { toast("Type the label."); return; }
  field.value = "";
  if (current) label([current], text);
});
main.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "undo") undoLast();
  if (button.dataset.confirm && current) confirm(button.dataset.confirm === "all");
  if (button.dataset.digit && current) label([current], button.dataset.label);
  const group = button.closest(".group");
  if (!group) return;
  if (button.matches(".member") && group.querySelectorAll(".member").length > 1) {
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
  }
  if (current !== group) {
    goTo(group);
    if (button.matches(".member")) button.focus({ preventScroll: true });
  }
});
main.addEventListener("focusin", ({ target }) => {
  const group = target.closest(".group");
  if (!group || group === current) return;
  current = group;
  for (const one of all()) one.classList.toggle("current", one === group);
});
addEventListener("beforeunload", (event) => { if (open > 0) event.preventDefault(); });
if (all().length > 0) goTo(all()[0]);
watch({}); // nothing here changes by itself, but the page says when the server does not answer
