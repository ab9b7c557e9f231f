// The page on which a model is trained takes labelled folders in: it shows which labels it has found, then sends.

import { intake } from "./collect.js";
import { element, sizeInWords, toast } from "./dom.js";
import { byLabel } from "./folders.js";
import { NotTaken, sendTo } from "./send.js";
import { refreshState } from "./train.js";

const AT_ONCE = 3;
const MOST_SHOWN = 200;
const area = document.getElementById("drop");
const plan = document.getElementById("plan");
const [tally, overall, refusedBox] = ["tally", "overall", "refused"].map((id) => document.getElementById(id));
const queue = []; // {file, path, label (null: shows none), relabel}
let [sending, all, added, same] = [0, 0, 0, 0];
let refused = []; // {one, error}

const count = (number, what) => `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;

function say() {
  document.getElementById("sending").hidden = all === 0;
  const done = added + same + refused.length;
  const told = [`${done.toLocaleString("en")} of ${count(all, "picture")}`, `${added.toLocaleString("en")} added`];
  if (same) told.push(`${same.toLocaleString("en")} there already`);
  if (refused.length) told.push(`${refused.length.toLocaleString("en")} refused`);
  tally.textContent = `${told.join(", ")}.`;
  overall.max = all || 1;
  overall.value = done;
}

/** The table of what was refused, and what can be done about it. */
function showRefused() {
  refusedBox.replaceChildren();
  if (refused.length === 0) return;
  const cell = (text) => element("td", {}, element("bdi", { textContent: text }));
  const rows = refused.slice(0, MOST_SHOWN).map(({ one, error }) => element("tr", {},
    element("th", { scope: "row" }, element("bdi", { className: "name", textContent: one.path })), cell(error.message)));
  const head = element("tr", {}, ...["File", "Why it was refused"].map((text) => element("th", { scope: "col", textContent: text })));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  const region = element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "What was refused" }, table);
  refusedBox.append(region);
  if (refused.length > MOST_SHOWN) refusedBox.append(element("p", { className: "small", textContent: `And ${refused.length - MOST_SHOWN} more.` }));
  const actions = element("p", { className: "actions" });
  const offer = (text, which, change) => {
    const some = refused.filter(({ error }) => which(error));
    if (some.length === 0) return;
    const button = element("button", { type: "button", className: "button", textContent: `${text} (${some.length})` });
    button.addEventListener("click", () => { again(some, change); });
    actions.append(button);
  };
  offer("Give them the label of their folder", ({ status }) => status === 409, { relabel: true });
  offer("Send again", (error) => !(error instanceof NotTaken), {});
  if (actions.children.length) refusedBox.append(actions);
}

function again(some, change) {
  refused = refused.filter((one) => !some.includes(one));
  queue.push(...some.map(({ one }) => ({ ...one, ...change })));
  showRefused();
  tally.tabIndex = -1;
  tally.focus();
  work();
}

function address({ path, label, relabel }) {
  const query = new URLSearchParams({ name: path });
  if (label === null) query.set("negative", "true");
  else query.set("label", label);
  if (relabel) query.set("relabel", "true");
  return `/projects/${encodeURIComponent(area.dataset.project)}/training?${query}`;
}

async function sendOne(one) {
  const limit = Number(area.dataset.maxBytes);
  try {
    if (one.file.size > limit) throw new NotTaken(`It has ${sizeInWords(one.file.size)}; the limit is ${sizeInWords(limit)}.`);
    const { outcome } = await sendTo(address(one), one.file, () => {});
    if (outcome === "same") same += 1;
    else added += 1;
  } catch (error) {
    refused.push({ one, error });
  }
}

function work() {
  say();
  while (sending < AT_ONCE && queue.length > 0) {
    sending += 1;
    sendOne(queue.shift()).finally(() => {
      sending -= 1;
      if (sending + queue.length === 0) end();
      else work();
    });
  }
}

async function end() {
  say();
  showRefused();
  await refreshState();
  toast(tally.textContent, { seconds: 12 });
}

/** Show what was found, to be named otherwise, left out, or taken as what shows none of the labels; then send it. */
function propose(files) {
  const { labels, loose, others } = byLabel(files);
  if (labels.size === 0) {
    toast(files.length === 0 ? "There is no file in that." : "No picture lies in a folder: drop folders whose names are labels.");
    return;
  }
  const form = element("form", { id: "plan-form" });
  const rows = [...labels].map(([label, some], number) => {
    const name = element("input", { value: label, maxLength: 200, required: true, autocomplete: "off", ariaLabel: `Label of the folder ${label}` });
    const how = element("select", { ariaLabel: `What the folder ${label} is` }, ...[["label", "This label"], ["none", "Shows none of the labels"], ["out", "Leave out"]].map(
      ([value, textContent]) => element("option", { value, textContent })));
    how.addEventListener("change", () => { name.disabled = how.value !== "label"; });
    const row = element("tr", {}, element("th", { scope: "row" }, name), element("td", { className: "n", textContent: some.length.toLocaleString("en") }), element("td", {}, how));
    return { row, name, how, some, number };
  });
  const head = element("tr", {}, element("th", { scope: "col", textContent: "Label" }), element("th", { scope: "col", className: "n", textContent: "Pictures" }), element("th", { scope: "col", textContent: "Taken as" }));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows.map(({ row }) => row)));
  const left = [];
  if (others.length) left.push(count(others.length, "file") + " no picture");
  if (loose.length) left.push(count(loose.length, "picture") + " in no label's folder");
  const add = element("button", { className: "button main", textContent: "Add these pictures" });
  const drop = element("button", { type: "button", className: "button", textContent: "Not these" });
  form.append(
    element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Labels that were found" }, table),
    ...(left.length ? [element("p", { className: "small", textContent: `Left out: ${left.join(", ")}.` })] : []),
    element("p", { className: "actions" }, add, " ", drop),
  );
  drop.addEventListener("click", () => { plan.hidden = true; document.getElementById("folder").focus(); });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    plan.hidden = true;
    if (sending + queue.length === 0) { [all, added, same] = [0, 0, 0]; refused = []; showRefused(); }
    for (const { name, how, some } of rows.filter(({ how }) => how.value !== "out")) {
      const label = how.value === "none" ? null : name.value.trim();
      all += some.length;
      queue.push(...some.map(({ file, path }) => ({ file, path, label, relabel: false })));
    }
    work();
    tally.tabIndex = -1;
    tally.focus();
  });
  plan.replaceChildren(form);
  plan.hidden = false;
  add.focus();
}

if (area) {
  intake(area, [document.getElementById("folder")], propose);
  addEventListener("beforeunload", (event) => { if (queue.length + sending > 0) event.preventDefault(); });
}
