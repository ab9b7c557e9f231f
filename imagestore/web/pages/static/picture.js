// The page of one picture: correct it, try it again, delete it, and show what becomes of it.

import { ask, localise, patientFetch, toast } from "./dom.js";
import { watch } from "./events.js";

const main = document.getElementById("main");
const { id } = document.getElementById("picture").dataset;
let leaving = null; // the timer that leaves for the gallery after a deletion
let isGone = false; // whether the page is being left
let wasChangedHere = false; // whether what was typed is saved, so that it need not be kept
let latest = ""; // what the server said last that the page is

/** Read the page again and show it, with what was being typed and where. */
async function refresh() {
  const response = await patientFetch(location.href);
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const now = page.getElementById("main").innerHTML;
  if (now === latest && !wasChangedHere) return; // a heat map that is shown meanwhile stays
  latest = now;
  const typed = document.getElementById("label")?.value; // viewers have no field to type in
  const focused = main.contains(document.activeElement) ? document.activeElement.id : "";
  main.replaceChildren(...page.getElementById("main").childNodes);
  document.title = page.title;
  localise(main);
  const field = document.getElementById("label");
  if (field && typed !== undefined && !wasChangedHere) field.value = typed;
  wasChangedHere = false;
  const target = focused && document.getElementById(focused);
  if (target) target.focus();
}

async function change(method, address, said) {
  const record = await ask(method, `/pictures/${id}${address}`);
  if (!record) return;
  wasChangedHere = true;
  await refresh();
  toast(said(record));
}

/** Leave for the gallery: to the same place in it where one came from there. */
function goToGallery() {
  if (isGone) return;
  isGone = true;
  const before = document.referrer && new URL(document.referrer);
  if (before && before.origin === location.origin && before.pathname === "/gallery" && history.length > 1) history.back();
  else location.assign(document.getElementById("list").href);
}

async function remove() {
  const deletion = await ask("DELETE", `/pictures/${id}?undoable=true`);
  if (!deletion) return;
  const picture = document.getElementById("picture");
  picture.classList.add("leaving");
  picture.inert = true;
  const seconds = Math.max(1, Math.round((new Date(deletion.until) - Date.now()) / 1000));
  const takeAway = toast(`Deleted. It can be undone for ${seconds} seconds.`, {
    seconds: 0,
    action: {
      text: "Undo",
      async run() {
        clearTimeout(leaving);
        leaving = null;
        const record = await ask("POST", `/pictures/${id}/undelete?token=${encodeURIComponent(deletion.undo)}`);
        if (!record) { goToGallery(); return; }
        picture.classList.remove("leaving");
        picture.inert = false;
        document.getElementById("delete").focus();
        toast("It stays.");
      },
    },
  });
  document.querySelector("#toasts .toast:last-child button").focus();
  leaving = setTimeout(() => { takeAway(); goToGallery(); }, seconds * 1000);
}

main.addEventListener("submit", (event) => {
  if (event.target.id !== "correct") return;
  event.preventDefault();
  const held = [...event.target.querySelectorAll("[name=holds]:checked")].map((box) => box.value);
  const labels = [...held, document.getElementById("label").value.trim()].filter(Boolean);
  if (labels.length === 0) { toast("Choose what holds, or type a label."); return; }
  const query = new URLSearchParams(labels.map((label) => ["label", label]));
  change("PUT", `/correction?${query}`, () => `Saved: ${labels.join(", ")}.`);
});
main.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "uncorrect") change("DELETE", "/correction", () => "The correction is taken back.");
  if (button.id === "delete") remove();
  if (button.id === "retry" && (await ask("POST", `/pictures/${id}/retry`))) {
    toast("Queued. If the outcome differs, it shows up here.");
  }
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || leaving) return;
  if (event.target.matches("input, select, textarea, pre") || document.querySelector("dialog[open]")) return;
  const link = document.getElementById({ ArrowLeft: "before", ArrowRight: "after", s: "similar" }[event.key] ?? "");
  if (!link) return;
  event.preventDefault();
  location.assign(link.href);
});
watch({
  picture(record) { if (record.id === id && !leaving) refresh(); },
  deleted(gone) { if (gone.id === id) goToGallery(); },
});
