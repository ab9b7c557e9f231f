// The heat map on the page of one picture, shown by the button or by W.

import { ask } from "./dom.js";
import { offerWhy, tellNearest } from "./why.js";

const main = document.getElementById("main");
const { id } = document.getElementById("picture").dataset;
let toggle = null;
let shown = null; // the button whose map is offered: the page's content is made anew when its record changes

function offer() {
  const button = document.getElementById("why");
  if (!button || button === shown) return;
  shown = button;
  const over = main.querySelector(".original .over");
  toggle = offerWhy({
    over,
    controls: document.getElementById("why-said"),
    button,
    ask: (label) => ask("GET", `/pictures/${id}/why${label ? `?${new URLSearchParams({ label })}` : ""}`),
    nearest: () => tellNearest(`/api/v1/pictures/${id}/nearest`),
  });
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "w" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  if (document.querySelector("dialog[open]") || !shown?.isConnected) return;
  event.preventDefault();
  toggle();
});
new MutationObserver(offer).observe(main, { childList: true });
offer();
