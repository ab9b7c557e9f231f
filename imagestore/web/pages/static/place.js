// Where one was in a long list, so that the browser's Back returns to the same place.

const KEY = "place";
const FRAMES = 4; // cards get their true height only as they come into view, which moves those below

/** The place that was noted for this entry of the browser's history: {id, top, count}; null where there is none. */
export const notedPlace = () => history.state?.[KEY] ?? null;

/** Note which card is the first one in view, how far it is from the top, and how many cards there were. */
export function notePlace(cards) {
  const first = [...cards.children].find((card) => card.getBoundingClientRect().bottom > 0);
  if (!first?.dataset.id) return;
  const place = { id: first.dataset.id, top: first.getBoundingClientRect().top, count: cards.children.length };
  history.replaceState({ ...history.state, [KEY]: place }, "");
}

/** Scroll so that the noted card is where it was. */
export async function returnTo({ id, top }, cards) {
  const card = cards.querySelector(`[data-id="${id}"]`);
  for (let i = 0; card && i < FRAMES; i += 1) {
    scrollBy({ top: card.getBoundingClientRect().top - top, behavior: "instant" });
    await new Promise((resolve) => { requestAnimationFrame(resolve); });
  }
}
