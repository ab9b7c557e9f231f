// Files from wherever they come: chosen, dropped (folders too) or pasted; each as {file, name}.

const named = (file, path) => ({ file, name: (path || file.webkitRelativePath || file.name).replace(/^\/+/, "").normalize() });
const isHidden = (path) => path.split("/").some((part) => part.startsWith("."));

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
