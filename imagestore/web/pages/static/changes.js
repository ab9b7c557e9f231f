// The page of changes: goes on with one that stopped, and undoes one.

import { finish, undo } from "./bulk.js";
import { ask, patientFetch, toast } from "./dom.js";
import { watch } from "./events.js";

document.getElementById("changes")?.addEventListener("click", async ({ target }) => {
  const button = target.closest("button[data-do]");
  if (!button || button.dataset.busy) return;
  button.dataset.busy = "yes";
  const { id } = button.dataset;
  const say = (text) => { button.textContent = text; };
  const done = button.dataset.do === "undo" ? await undo(id, say) : await finish(await ask("POST", `/changes/${id}/continue`), say);
  delete button.dataset.busy;
  if (!done) { toast("It stopped before the end. Try again in a moment."); return; }
  const page = new DOMParser().parseFromString(await (await patientFetch(location.href)).text(), "text/html");
  const now = page.getElementById(id);
  if (!now) return;
  now.tabIndex = -1;
  document.getElementById(id).replaceWith(now);
  now.focus({ preventScroll: true });
});
watch({});
