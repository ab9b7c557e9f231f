// The table of what a version takes for what: a number shows its pictures below, in place; arrow keys go from number to
// number.

import { fragment } from "./dom.js";

const box = () => document.getElementById("mistakes");
let asked = 0;

/** Show what is at this address in place of what is shown; of two answers the later question's counts. */
async function show(address) {
  const mine = ++asked;
  const found = (await fragment(address))?.getElementById("mistakes");
  if (!found || mine !== asked) return false;
  box().replaceWith(found);
  return true;
}

/** The numbers of the table, row by row and column by column. */
function cells() {
  return [...box().querySelectorAll(".confusion td a")].map((link) => {
    const cell = link.parentElement;
    return { link, row: cell.parentElement.rowIndex, column: cell.cellIndex };
  });
}

/** The nearest number in the direction of an arrow key. */
function nearest(from, key) {
  const along = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[key];
  if (!along) return null;
  const all = cells();
  const at = all.find((one) => one.link === from);
  const ahead = all.map((one) => {
    const [down, right] = [one.row - at.row, one.column - at.column];
    const forward = down * along[0] + right * along[1];
    return { link: one.link, forward, aside: Math.abs(down * along[1]) + Math.abs(right * along[0]) };
  }).filter((one) => one.forward > 0);
  ahead.sort((a, b) => a.aside - b.aside || a.forward - b.forward);
  return ahead[0]?.link ?? null;
}

/** Show the table, and the pictures behind the chosen number, at other thresholds: {threshold, label}, or {} for the
 * version's own. */
export async function at(thresholds) {
  const query = new URLSearchParams(location.search);
  for (const name of ["threshold", "label", "skip"]) query.delete(name);
  for (const [name, value] of Object.entries(thresholds)) query.set(name, value);
  const address = `${location.pathname}${query.size ? `?${query}` : ""}`;
  history.replaceState(null, "", address);
  if (box()) await show(address);
}

export function begin() {
  const section = box()?.parentElement;
  if (!section) return;
  section.addEventListener("click", async (event) => {
    const link = event.target.closest("a[href^='?']");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const address = link.getAttribute("href");
    if (!(await show(location.pathname + address))) return;
    history.replaceState(null, "", address);
    document.getElementById("behind")?.focus({ preventScroll: true });
    document.getElementById("behind")?.scrollIntoView({ block: "nearest" });
  });
  section.addEventListener("keydown", (event) => {
    if (!event.target.matches(".confusion td a")) return;
    const next = nearest(event.target, event.key);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
