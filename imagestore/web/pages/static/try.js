// The box on a version's page in which pictures are tried: this version answers, and nothing is kept.

import { renderAnswer } from "./answer.js";
import { intake, pasted } from "./collect.js";
import { element, explain, patientFetch, toast } from "./dom.js";

const MOST = 12; // at a time
const MOST_SHOWN = 24;
const BUSY = [429, 503];
const TRIES = 5;
const PAUSE_MS = 1500;
const area = document.getElementById("try");
const list = document.getElementById("tried");
const queue = [];
let isBusy = false;

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Have the version answer these files, one after the other. */
function take(files, version) {
  if (files.length > MOST) toast(`Of these ${files.length} files the first ${MOST} are tried.`);
  for (const { file } of files.slice(0, MOST)) {
    const row = element("li", { className: "answer" }, element("p", { textContent: `${file.name}: waiting` }));
    list.prepend(row);
    queue.push({ file, row, version });
  }
  while (list.children.length > MOST_SHOWN) list.lastElementChild.remove();
  work();
}

async function work() {
  if (isBusy) return;
  isBusy = true;
  for (let next = queue.shift(); next; next = queue.shift()) await answer(next);
  isBusy = false;
}

async function answer({ file, row, version }) {
  row.firstChild.textContent = `${file.name}: classifying`;
  try {
    row.replaceWith(renderAnswer(await ask(file, version), file, version));
  } catch (error) {
    row.replaceChildren(element("p", { className: "wrong", textContent: `${file.name}: ${error.message}` }));
  }
}

/** What the version says of a file; without a name it is the model that is live by default. An Error says why there is
 * no answer. */
async function ask(file, { name, version }) {
  const which = name ? `?project=${encodeURIComponent(name)}&version=${encodeURIComponent(version)}` : "";
  const address = `/api/v1/classify${which}`;
  let wrong = new Error("The server does not answer.");
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    try {
      const response = await patientFetch(address, { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
      if (response.ok) return await response.json();
      wrong = new Error(await explain(response));
      if (!BUSY.includes(response.status)) break;
    } catch {
      wrong = new Error("The server does not answer.");
    }
    if (attempt < TRIES) await pause(PAUSE_MS * attempt);
  }
  throw wrong;
}

/** Take what is chosen, pasted, or dropped anywhere on the page: none of it is to be kept. */
export function begin(version) {
  if (!area) return;
  intake(area, [document.getElementById("try-files")], (files) => {
    area.scrollIntoView({ block: "nearest" });
    take(files, version);
  });
  document.addEventListener("paste", (event) => take(pasted(event.clipboardData), version));
}
