import { chosen, dropped, pasted } from "./collect.js";
import { element, fragment, toast } from "./dom.js";
import { watch } from "./events.js";
import { send } from "./send.js";

const AT_ONCE = 3;
const MOST_SHOWN = 48;
const MOST_WAITING_TO_BE_SHOWN = 24;
const LOOK_AGAIN_MS = 5000;

const area = document.getElementById("drop");
const results = document.getElementById("results");
const uploads = document.getElementById("uploads");
const tally = document.getElementById("tally");
const overall = document.getElementById("overall");
const maxBytes = Number(area.dataset.maxBytes);

const queue = []; // {file, name} still to be sent
const waiting = new Map(); // id → {etag, row} of what was sent and is not final yet
const final = new Map(); // id → etag of what became final lately, maybe before its upload was answered
const toShow = new Set();
const count = { all: 0, sent: 0, done: 0, wrong: 0 };
let sending = 0;
let showing = false;

const isBusy = () => count.sent + count.wrong < count.all || waiting.size > 0;

function say() {
  const parts = [`${count.done} of ${count.all} sorted`];
  if (count.sent < count.all - count.wrong) parts.unshift(`${count.sent} sent`);
  if (count.wrong) parts.push(`${count.wrong} not sent`);
  tally.textContent = parts.join(", ");
  overall.max = count.all || 1;
  overall.value = count.done + count.wrong;
  document.getElementById("sending").hidden = count.all === 0;
}

function take(files) {
  if (files.length === 0) return;
  if (!isBusy()) Object.assign(count, { all: 0, sent: 0, done: 0, wrong: 0 });
  queue.push(...files);
  count.all += files.length;
  say();
  work();
}

function work() {
  while (sending < AT_ONCE && queue.length > 0) {
    sending += 1;
    const next = queue.shift();
    upload(next).finally(() => { sending -= 1; say(); work(); });
  }
}

async function upload({ file, name }) {
  const bar = element("progress", { max: file.size || 1, value: 0, ariaLabel: name });
  const state = element("span", { className: "state", textContent: "Sending" });
  const row = element("li", { className: "upload" }, element("bdi", { className: "name", textContent: name }), bar, state);
  uploads.append(row);
  try {
    if (file.size > maxBytes) throw new Error(`The file has ${file.size} bytes; the limit is ${maxBytes} (MAX_BYTES).`);
    const answer = await send(name, file, (loaded, total) => { bar.max = total || 1; bar.value = loaded; });
    count.sent += 1;
    bar.value = bar.max;
    state.textContent = "Sorting";
    const etag = answer.etag || (answer.upload || {}).etag;
    waiting.set(answer.id, { etag, row });
    if (answer.status !== "pending" || final.get(answer.id) === etag) finish(answer.id);
  } catch (error) {
    count.wrong += 1;
    row.classList.add("wrong");
    bar.remove();
    state.textContent = error.message;
    const again = element("button", { type: "button", className: "button", textContent: "Send again" });
    again.addEventListener("click", () => { row.remove(); count.all -= 1; count.wrong -= 1; take([{ file, name }]); });
    row.append(again);
  }
}

function finish(id) {
  const mine = waiting.get(id);
  if (mine) {
    waiting.delete(id);
    mine.row.remove();
    count.done += 1;
    say();
  }
  toShow.add(id);
  while (toShow.size > MOST_WAITING_TO_BE_SHOWN) toShow.delete(toShow.values().next().value);
  show();
}

async function show() {
  if (showing) return;
  showing = true;
  while (toShow.size > 0) {
    const ids = [...toShow];
    toShow.clear();
    const cards = await Promise.all(ids.map((id) => fragment(`/cards/${id}?kind=result`)));
    cards.forEach((card, i) => { if (card) place(ids[i], card); });
  }
  showing = false;
}

function place(id, card) {
  const old = results.querySelector(`[data-id="${id}"]`);
  if (old && old.contains(document.activeElement)) {
    old.replaceWith(card);
    results.querySelector(`[data-id="${id}"] h3 a`).focus();
  } else {
    if (old) old.remove();
    results.prepend(card);
  }
  while (results.children.length > MOST_SHOWN) results.lastElementChild.remove();
  document.getElementById("nothing").hidden = true;
}

function changed(record) {
  const etag = (record.upload || {}).etag;
  final.set(record.id, etag);
  if (final.size > 1000) final.delete(final.keys().next().value);
  const mine = waiting.get(record.id);
  if (!mine || mine.etag === etag) finish(record.id);
}

async function lookAgain() {
  for (const [id, { etag }] of [...waiting].slice(0, AT_ONCE)) {
    try {
      const record = await (await fetch(`/api/v1/pictures/${id}`)).json();
      if (record.upload && record.upload.etag === etag) finish(id);
    } catch { /* the next look may find it */ }
  }
}

for (const id of ["files", "folder"]) {
  const input = document.getElementById(id);
  input.addEventListener("change", () => { take(chosen(input)); input.value = ""; });
}
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); area.classList.add("over"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) area.classList.remove("over"); });
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  area.classList.remove("over");
  try {
    const files = await dropped(event.dataTransfer);
    if (files.length === 0) toast("There is no file in what was dropped.");
    take(files);
  } catch {
    toast("What was dropped cannot be read. Choose it with the buttons instead.");
  }
});
document.addEventListener("paste", (event) => take(pasted(event.clipboardData)));
addEventListener("beforeunload", (event) => { if (queue.length > 0 || sending > 0) event.preventDefault(); });
setInterval(lookAgain, LOOK_AGAIN_MS);
watch(
  {
    picture: changed,
    deleted: ({ id }) => {
      const card = results.querySelector(`[data-id="${id}"]`);
      if (card) card.remove();
    },
  },
  isBusy,
);
