import { fragment, toast } from "./dom.js";
import { watch } from "./events.js";

const cards = document.getElementById("cards");
const fresh = document.getElementById("fresh");
const unseen = new Set();
let loading = false;

async function loadMore(link) {
  if (loading) return;
  loading = true;
  const hadFocus = document.activeElement === link;
  const more = await fragment(link.href);
  loading = false;
  if (!more) {
    toast("The next pictures could not be loaded.", { action: { text: "Again", run: () => loadMore(link) } });
    return;
  }
  const first = more.querySelector("a");
  link.closest("li").replaceWith(more);
  if (hadFocus && first) first.focus();
  observe();
}

const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) loadMore(entry.target);
}, { rootMargin: "600px" });

function observe() {
  observer.disconnect();
  const link = cards && cards.querySelector(".more a");
  if (link) observer.observe(link);
}

if (cards) {
  cards.addEventListener("click", (event) => {
    const link = event.target.closest(".more a");
    if (!link) return;
    event.preventDefault();
    loadMore(link);
  });
  observe();
}

const filter = document.getElementById("filter");
filter.addEventListener("change", (event) => { if (event.target.matches("select, [type=date]")) filter.requestSubmit(); });
if (matchMedia("(max-width: 50rem)").matches) document.getElementById("choose").open = false;
fresh.querySelector("button").addEventListener("click", () => location.reload());

const shown = (id) => cards && cards.querySelector(`[data-id="${id}"]`);
watch({
  async picture({ id }) {
    const card = shown(id);
    if (card) {
      const now = await fragment(`/cards/${id}`);
      if (now && !card.contains(document.activeElement)) card.replaceWith(now);
      return;
    }
    unseen.add(id);
    fresh.hidden = false;
    fresh.querySelector("button").textContent = unseen.size === 1 ? "1 picture came or changed: show" : `${unseen.size} pictures came or changed: show`;
  },
  deleted({ id }) {
    unseen.delete(id);
    const card = shown(id);
    if (card) card.remove();
  },
  reset: () => { fresh.hidden = false; fresh.querySelector("button").textContent = "The records were read anew: show"; },
});
