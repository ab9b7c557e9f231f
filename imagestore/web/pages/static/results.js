// The cards of the latest results, newest first. The server makes each card; this puts it into its place.

import { fragment } from "./dom.js";

const MOST_SHOWN = 48;
const MOST_WAITING = 24; // when more pictures than this come at once, only the latest are fetched
const list = document.getElementById("results");
const waiting = new Set(); // ids of pictures whose cards are still to be fetched
let isFetching = false;

const cardOf = (id) => list.querySelector(`[data-id="${id}"]`);

/** Show the card of this picture as it is now. */
export async function showResult(id) {
  waiting.add(id);
  while (waiting.size > MOST_WAITING) waiting.delete(waiting.values().next().value);
  if (isFetching) return;
  isFetching = true;
  while (waiting.size > 0) {
    const ids = [...waiting];
    waiting.clear();
    const cards = await Promise.all(ids.map((one) => fragment(`/cards/${one}?kind=result`)));
    cards.forEach((card, i) => { if (card) place(ids[i], card); });
  }
  isFetching = false;
}

/** Take the card of this picture away. */
export function removeResult(id) {
  cardOf(id)?.remove();
}

function place(id, card) {
  const old = cardOf(id);
  if (old && old.contains(document.activeElement)) { // whoever is on it stays on it, where it is
    old.replaceWith(card);
    cardOf(id).querySelector("h3 a").focus();
  } else {
    old?.remove();
    list.prepend(card);
  }
  while (list.children.length > MOST_SHOWN) list.lastElementChild.remove();
  document.getElementById("nothing").hidden = true;
}
