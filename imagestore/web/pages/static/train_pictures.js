// The labelled pictures of a project: takes one out, with undo, or deletes one that has no label any more.

import { ask, submitWhenChosen, toast } from "./dom.js";

const UNDO_S = 60;
const list = document.getElementById("pictures");
const count = document.getElementById("count");
const address = (item) => `/projects/${encodeURIComponent(list.dataset.project)}/training/${item.dataset.sha256}`;
const counted = (change) => { count.textContent = (Number(count.textContent.replaceAll(",", "")) + change).toLocaleString("en"); };

/** Take the item of a picture away, and keep the focus near. */
function remove(item) {
  const next = item.nextElementSibling;
  item.remove();
  counted(-1);
  (next?.querySelector("button") || list.lastElementChild?.querySelector("button") || document.getElementById("main")).focus();
  return next;
}

async function takeOut(item) {
  if (!(await ask("DELETE", address(item)))) return;
  const next = remove(item);
  const undo = async () => {
    if (!(await ask("POST", `${address(item)}/undo`))) return;
    list.insertBefore(item, next?.parentNode === list ? next : null);
    counted(1);
    item.querySelector("button").focus();
  };
  toast("It is taken out: no model learns from it.", { action: { text: "Undo", run: undo }, seconds: UNDO_S });
}

async function deleteForGood(item, button) {
  if (!button.dataset.sure) {
    button.dataset.sure = "yes";
    button.textContent = "Delete it? Press again";
    button.ariaLabel = `${button.ariaLabel}? Press again`;
    return;
  }
  if (await ask("DELETE", `${address(item)}?for_good=true`)) remove(item);
}

list?.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-do]");
  if (!button || button.dataset.busy) return;
  button.dataset.busy = "yes";
  const item = button.closest(".doubt");
  await (button.dataset.do === "delete" ? deleteForGood(item, button) : takeOut(item));
  delete button.dataset.busy;
});
submitWhenChosen(document.getElementById("choose"));
