// The page that takes pictures in: it sends what is chosen, dropped or pasted, and follows each until it is final.

import { intake, pasted } from "./collect.js";
import { element, sizeInWords } from "./dom.js";
import { watch } from "./events.js";
import { removeResult, showResult } from "./results.js";
import { NotTaken, send } from "./send.js";
import { Tally } from "./tally.js";

const AT_ONCE = 3;
const LOOK_AGAIN_MS = 5000;
const MOST_REMEMBERED = 1000;

const area = document.getElementById("drop");
const uploads = document.getElementById("uploads");
const overall = document.getElementById("overall");
const maxBytes = Number(area.dataset.maxBytes);

const queue = []; // {file, name} still to be sent
const waiting = new Map(); // id → [{etag, row}] of what was sent and is not final yet, a file sent twice two times
const final = new Map(); // id → record of what became final lately, maybe before its upload was answered
let tally = new Tally();
let sending = 0;

const isBusy = () => !tally.isComplete;
const etagOf = (record) => record.upload?.etag;

/** Such as "210 MB; the limit is 100 MB."; to the byte where both would read the same. */
function tooLarge(bytes) {
  const [size, limit] = [bytes, maxBytes].map(sizeInWords);
  return `${size === limit ? `${bytes} bytes` : size}; the limit is ${limit}.`;
}

function showTally() {
  document.getElementById("tally").textContent = `${tally}`;
  overall.max = tally.all || 1;
  overall.value = tally.countDone + tally.notSent;
  document.getElementById("sending").hidden = tally.all === 0;
  rest();
}

/** Send these files, after those that wait already. */
function take(files) {
  if (files.length === 0) return;
  if (!isBusy()) tally = new Tally();
  queue.push(...files);
  tally.all += files.length;
  showTally();
  work();
}

function work() {
  while (sending < AT_ONCE && queue.length > 0) {
    sending += 1;
    const next = queue.shift();
    upload(next).finally(() => { sending -= 1; showTally(); work(); });
  }
}

async function upload({ file, name }) {
  const bar = element("progress", { max: file.size || 1, value: 0, ariaLabel: name });
  const state = element("span", { className: "state", textContent: "Sending" });
  const row = element("li", { className: "upload" }, element("bdi", { className: "name", textContent: name }), bar, state);
  uploads.append(row);
  try {
    if (file.size > maxBytes) throw new NotTaken(tooLarge(file.size));
    const answer = await send(name, file, (loaded, total) => { bar.max = total || 1; bar.value = loaded; });
    bar.value = bar.max;
    state.textContent = "Classifying";
    const etag = answer.etag || etagOf(answer);
    waiting.set(answer.id, [...(waiting.get(answer.id) ?? []), { etag, row }]);
    const known = answer.status === "pending" ? final.get(answer.id) : answer;
    if (known && etagOf(known) === etag) finish(known);
  } catch (error) {
    showNotSent({ file, name }, row, error);
  }
}

/** Say why a file was not sent, and offer to send it again where that can help. */
function showNotSent({ file, name }, row, error) {
  tally.notSent += 1;
  row.classList.add("wrong");
  row.querySelector("progress").remove();
  row.querySelector(".state").textContent = error.message;
  if (error instanceof NotTaken) return;
  const again = element("button", { type: "button", className: "button", textContent: "Send again" });
  again.addEventListener("click", () => { row.remove(); tally.all -= 1; tally.notSent -= 1; take([{ file, name }]); });
  row.append(again);
}

/** A picture has its final record, which stands for what was sent before under its name, too. */
function finish(record) {
  const sent = waiting.get(record.id) ?? [];
  const last = sent.findLastIndex(({ etag }) => etag === etagOf(record));
  settle(record.id, sent.slice(0, last + 1), record.status);
  showResult(record.id);
}

/** These are not waited for any more. Two answers about one picture may come at once: each upload counts once. */
function settle(id, over, status) {
  const sent = waiting.get(id) ?? [];
  const left = sent.filter((one) => !over.includes(one));
  if (left.length > 0) waiting.set(id, left);
  else waiting.delete(id);
  for (const { row } of sent.filter((one) => over.includes(one))) {
    row.remove();
    tally.done(status);
  }
  showTally();
}

function changed(record) {
  final.set(record.id, record);
  if (final.size > MOST_REMEMBERED) final.delete(final.keys().next().value);
  const mine = waiting.get(record.id);
  if (!mine || mine.some(({ etag }) => etag === etagOf(record))) finish(record);
}

function deleted({ id }) {
  removeResult(id);
  if (waiting.has(id)) lookAt(id); // it may have been sent again since
}

/** Ask for some of those that wait, in case an event was lost; each in its turn. */
async function lookAgain() {
  for (const id of [...waiting.keys()].slice(0, AT_ONCE)) {
    await lookAt(id);
    const left = waiting.get(id);
    waiting.delete(id);
    if (left) waiting.set(id, left);
  }
}

/** Ask for a picture that is waited for. What is final, or deleted, is so for all that was sent before. */
async function lookAt(id) {
  const sent = waiting.get(id) ?? [];
  try {
    const answer = await fetch(`/api/v1/pictures/${id}`);
    const found = await answer.json();
    if (answer.status === 404) settle(id, sent, "deleted");
    if (!answer.ok || found.status === "pending") return;
    settle(id, sent, found.status);
    showResult(id);
  } catch { /* the next look may find it */ }
}

intake(area, ["files", "folder"].map((id) => document.getElementById(id)), take);
document.addEventListener("paste", (event) => take(pasted(event.clipboardData)));
addEventListener("beforeunload", (event) => { if (queue.length > 0 || sending > 0) event.preventDefault(); });
setInterval(lookAgain, LOOK_AGAIN_MS);
const rest = watch({ picture: changed, deleted }, isBusy);
