// The gallery: it goes on as one scrolls, says what has changed, and comes back to where one was.

import { fragment, patientFetch, submitWhenChosen, toast } from "./dom.js";
import { watch } from "./events.js";
import { notedPlace, notePlace, returnTo } from "./place.js";
import "./suggest.js";

const PAGE = 60;
const cards = document.getElementById("cards");
const fresh = document.getElementById("fresh");
const unseen = new Set(); // ids of pictures that came or changed, and are not shown
let isLoading = false;

const nextLink = () => cards.querySelector(".more a");
const shown = (id) => cards?.querySelector(`[data-id="${id}"]`);

/** Put the next cards at the end, `count` of them or as many as the server gives at once. */
async function loadMore(link, count = PAGE) {
  if (isLoading) return false;
  isLoading = true;
  const hadFocus = document.activeElement === link;
  const more = await fragment(`${link.href}&count=${count}`);
  isLoading = false;
  if (!more) {
    toast("The next pictures could not be loaded.", { action: { text: "Again", run: () => loadMore(link, count) } });
    return false;
  }
  const first = more.querySelector("a");
  link.closest("li").replaceWith(more);
  if (hadFocus && first) first.focus();
  observe();
  return true;
}

const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) loadMore(entry.target);
}, { rootMargin: "600px" });

function observe() {
  observer.disconnect();
  const link = nextLink();
  if (link) observer.observe(link);
}

/** Load as much as there was, and go to where one was. */
async function comeBack(place) {
  while (nextLink() && cards.children.length < place.count && !shown(place.id)) {
    if (!(await loadMore(nextLink(), Math.min(place.count - cards.children.length + 1, 10 * PAGE)))) break;
  }
  await returnTo(place, cards);
  observe();
}

if (cards) {
  cards.addEventListener("click", (event) => {
    const link = event.target.closest(".more a");
    if (!link) return;
    event.preventDefault();
    loadMore(link);
  });
  history.scrollRestoration = "manual";
  addEventListener("pagehide", () => notePlace(cards));
  const place = notedPlace();
  if (place) comeBack(place);
  else observe();
}

submitWhenChosen(document.getElementById("filter"), "select, [type=date]");
const find = document.getElementById("find");
let finding = null;

/** Show the labels that begin with what is typed, of those of the pictures shown. */
async function findLabels() {
  const page = await fragmentOf(`/gallery?${new URLSearchParams([...new FormData(find)].filter(([, value]) => value))}`);
  for (const id of page ? ["labels", "of-labels"] : []) {
    const now = page.getElementById(id);
    if (now) document.getElementById(id).replaceWith(now);
  }
}

/** A page as a document, null while the server does not answer. */
async function fragmentOf(address) {
  try {
    const response = await patientFetch(address);
    return response.ok ? new DOMParser().parseFromString(await response.text(), "text/html") : null;
  } catch {
    return null;
  }
}

find?.addEventListener("submit", (event) => { event.preventDefault(); findLabels(); });
find?.addEventListener("input", () => { clearTimeout(finding); finding = setTimeout(findLabels, 200); });
if (matchMedia("(max-width: 50rem)").matches) document.getElementById("choose").open = false;

const freshButton = fresh.querySelector("button");
freshButton.addEventListener("click", () => { scrollTo(0, 0); location.reload(); });

function offerFresh(text) {
  fresh.hidden = false;
  freshButton.textContent = text;
}

const changed = new Set(); // ids of cards that are to be made anew
let isRenewing = false;

/** Make a card anew. */
async function renew(id) {
  const now = await fragment(`/cards/${id}`);
  const link = now?.querySelector("a"), card = shown(id);
  if (!link || !card) return;
  link.href = card.querySelector("a").href; // with the list that it stands in
  const hadFocus = card.contains(document.activeElement);
  card.replaceWith(now);
  if (hadFocus) link.focus({ preventScroll: true });
}

/** Make cards anew one after the other, so that a change of many does not ask for all of them at once. */
async function renewChanged() {
  if (isRenewing) return;
  isRenewing = true;
  for (const id of changed) {
    changed.delete(id);
    await renew(id);
  }
  isRenewing = false;
}

watch({
  picture({ id }) {
    if (shown(id)) {
      changed.add(id);
      renewChanged();
      return;
    }
    unseen.add(id);
    offerFresh(unseen.size === 1 ? "1 picture came or changed: show" : `${unseen.size} pictures came or changed: show`);
  },
  deleted({ id }) {
    unseen.delete(id);
    shown(id)?.remove();
  },
  reset: () => offerFresh("The records were read anew: show"),
});
