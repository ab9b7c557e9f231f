// The dashboard: it shows the newest numbers by itself.

import { localise, patientFetch } from "./dom.js";
import { watch } from "./events.js";

const PAUSE_MS = 2000;
const main = document.getElementById("main");
let timer = null;

/** Show the newest numbers, unless somebody is reading a table or works with the page. */
async function refresh() {
  timer = null;
  if (main.contains(document.activeElement) || main.querySelector("details[open]")) return;
  const response = await patientFetch(location.href);
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  main.replaceChildren(...page.getElementById("main").childNodes);
  localise(main);
}

const soon = () => { timer = timer || setTimeout(refresh, PAUSE_MS); };
watch({ picture: soon, deleted: soon, reset: soon });
