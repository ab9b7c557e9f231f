// Files from wherever they come: chosen, dropped (folders too) or pasted; each as {file, name}.

import { toast } from "./dom.js";

const named = (file, path) => ({ file, name: (path || file.webkitRelativePath || file.name).replace(/^\/+/, "").normalize() });
const isHidden = (path) => path.split("/").some((part) => part.startsWith("."));

/** Have `take` called with what is chosen with these inputs, or dropped anywhere on the page, of which `area` shows that
 * it takes something. */
export function intake(area, inputs, take) {
  for (const input of inputs) {
    input.addEventListener("change", () => { take(chosen(input)); input.value = ""; });
    input.addEventListener("keydown", (event) => {
      // A browser opens the dialog when Space is let go, and forgets that it was pressed if the page is drawn anew between.
      if (event.key !== " ") return;
      event.preventDefault();
      if (!event.repeat) input.click();
    });
  }
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => { event.preventDefault(); area.classList.add("over"); });
  }
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) area.classList.remove("over"); });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    area.classList.remove("over");
    let files;
    try {
      files = await dropped(event.dataTransfer);
    } catch {
      toast("What was dropped cannot be read. Choose it with the button instead.");
      return;
    }
    if (files.length === 0) toast("There is no file in what was dropped.");
    else take(files);
  });
}

/** From an input. */
export function chosen(input) {
  return [...input.files].map((file) => named(file)).filter(({ name }) => !isHidden(name));
}

/** From a drop; folders are walked. The items must be taken before anything is waited for. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files].map((file) => named(file));
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (entry.name.startsWith(".")) return;
  if (entry.isFile) {
    found.push(named(await new Promise((resolve, reject) => { entry.file(resolve, reject); }), entry.fullPath));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const inside = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (inside.length === 0) return;
    for (const one of inside) await walk(one, found);
  }
}

/** From the clipboard: pictures there have no name of their own. */
export function pasted(transfer) {
  const stamp = new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
  return [...transfer.files].map((file, i) => {
    const ending = (file.type.split("/")[1] || "bin").replace(/[^a-z0-9].*/, "");
    return named(file, `pasted/${stamp}${i ? ` ${i + 1}` : ""}.${ending}`);
  });
}
