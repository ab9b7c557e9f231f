// On every page but the one for it: pictures that are dropped anywhere are taken in.

import { dropped } from "./collect.js";
import { element, toast } from "./dom.js";
import { NotTaken, send } from "./send.js";

const AT_ONCE = 3;
const queue = [];
let [sending, sent, all] = [0, 0, 0];
let wrong = []; // sentences on what was not taken
let isOurs = false; // whether what is dragged is of this page
let box = null;

const hasFiles = (event) => !isOurs && [...(event.dataTransfer?.types ?? [])].includes("Files");

function say() {
  if (!box) {
    box = element("div", { className: "toast" }, element("span"));
    document.getElementById("toasts").append(box);
  }
  box.firstChild.textContent = `Sending ${sent + wrong.length + 1} of ${all}.`;
}

function end() {
  box?.remove();
  box = null;
  const count = sent === 1 ? "1 picture was" : `${sent} pictures were`;
  if (sent) toast(`${count} taken in.`, { seconds: 20, action: { text: "Look", run: () => location.assign("/") } });
  if (wrong.length) toast(wrong.length === 1 ? wrong[0] : `${wrong.length} were not taken. The first: ${wrong[0]}`, { seconds: 20 });
  [sent, all, wrong] = [0, 0, []];
}

function work() {
  while (sending < AT_ONCE && queue.length > 0) {
    sending += 1;
    const { file, name } = queue.shift();
    send(name, file, () => {}).then(() => { sent += 1; }, (error) => {
      wrong.push(`${name}: ${error.message}${error instanceof NotTaken ? "" : " Drop it again."}`);
    }).finally(() => {
      sending -= 1;
      if (sending + queue.length === 0) end();
      else say();
      work();
    });
  }
}

const mark = (is) => document.documentElement.classList.toggle("dropping", is);
document.addEventListener("dragstart", () => { isOurs = true; });
document.addEventListener("dragend", () => { isOurs = false; });
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { if (hasFiles(event)) { event.preventDefault(); mark(true); } });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) mark(false); });
document.addEventListener("drop", async (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  mark(false);
  try {
    const files = await dropped(event.dataTransfer);
    if (files.length === 0) { toast("There is no file in what was dropped."); return; }
    queue.push(...files);
    all += files.length;
    say();
    work();
  } catch {
    toast("What was dropped cannot be read. Choose it on the page Drop instead.");
  }
});
addEventListener("beforeunload", (event) => { if (queue.length + sending > 0) event.preventDefault(); });
