// The slider on a version's page: what each threshold does, and saving one as a new version.

import { ask, askAgain, element, toast } from "./dom.js";
import { at } from "./mistakes.js";

const SVG = "http://www.w3.org/2000/svg";
const LINES = { precision: "right among its answers", recall: "found of what there is", answered: "answered" };
const [LEFT, RIGHT, TOP, BOTTOM, HEIGHT] = [1.5, 98.5, 10, 26, 240]; // percent across, pixels down
const TABLE_MS = 250;
const JOB_MS = 700;
const slider = document.getElementById("threshold");
const chosen = document.getElementById("of-label");
const save = document.getElementById("save");
let curve = null; // what the API says of each threshold
let address = "";
let timer = null;
let asked = 0;

const percent = (share) => `${share < 1 && Math.round(share * 100) === 100 ? 99 : Math.round(share * 100)} %`;
const shareOf = (one) => (one.of ? one.right / one.of : 0);
const between = (one) => (one.low === null ? "" : `${Math.round(one.low * 100)}–${Math.round(one.high * 100)} %`);
const across = (share) => LEFT + share * (RIGHT - LEFT);
const down = (share) => HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP);
const put = (kind, name, text) => { document.querySelector(`[data-${kind}="${name}"]`).textContent = text; };

function svg(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** The line of a figure, over a box of 100 by HEIGHT that is stretched across. */
const line = (figure) => curve.points
  .filter((point) => point[figure].of > 0)
  .map((point, i) => `${i ? "L" : "M"}${across(point.threshold).toFixed(2)},${down(shareOf(point[figure])).toFixed(1)}`)
  .join("");

function band() {
  const known = curve.points.filter((point) => point.precision.low !== null);
  const edge = (one, side) => `${across(one.threshold).toFixed(2)},${down(one.precision[side]).toFixed(1)}`;
  return known.length
    ? `M${[...known.map((one) => edge(one, "high")), ...known.reverse().map((one) => edge(one, "low"))].join("L")}Z`
    : "";
}

/** Draw the plot anew: the lines once for a label, the marks for each place of the slider. */
function draw() {
  const plot = document.getElementById("curve");
  const inner = svg("svg", { viewBox: `0 0 100 ${HEIGHT}`, width: "100%", height: HEIGHT, preserveAspectRatio: "none" });
  inner.append(svg("path", { class: "band", d: band() }));
  for (const figure of Object.keys(LINES)) {
    inner.append(svg("path", { class: figure, d: line(figure), "vector-effect": "non-scaling-stroke" }));
  }
  plot.replaceChildren();
  for (const share of [0, 0.5, 1]) {
    plot.append(svg("line", { class: "grid", x1: 0, x2: "100%", y1: down(share), y2: down(share) }));
    plot.append(svg("text", { x: -8, y: down(share) + 4, "text-anchor": "end" }, percent(share)));
    const anchor = share === 0 ? "start" : share === 1 ? "end" : "middle";
    plot.append(svg("text", { x: `${across(share)}%`, y: HEIGHT - 6, "text-anchor": anchor }, percent(share)));
  }
  plot.append(inner, svg("g", { id: "marks" }));
}

function mark(point) {
  const marks = document.getElementById("marks");
  const upright = (name, share) => svg("line", { class: name, x1: `${across(share)}%`, x2: `${across(share)}%`, y1: TOP, y2: HEIGHT - BOTTOM });
  marks.replaceChildren(upright("own", curve.now.threshold), upright("chosen", point.threshold));
  for (const figure of Object.keys(LINES).filter((one) => point[one].of > 0)) {
    marks.append(svg("circle", { class: figure, cx: `${across(point.threshold)}%`, cy: down(shareOf(point[figure])), r: 5 }));
  }
}

/** Show the figures where the slider is. Where it was not moved they are those of the version's own thresholds. */
function show() {
  const isOwn = slider.dataset.moved !== "yes";
  const point = isOwn ? curve.now : curve.points[Number(slider.value)];
  document.getElementById("threshold-value").textContent = percent(point.threshold);
  slider.setAttribute("aria-valuetext", `${percent(point.threshold)}: ${percent(shareOf(point.precision))} right, ${percent(shareOf(point.answered))} answered, ${point.unknown} unknown`);
  for (const figure of Object.keys(LINES)) {
    put("figure", figure, point[figure].of ? percent(shareOf(point[figure])) : "–");
    put("between", figure, between(point[figure]));
  }
  put("figure", "unknown", point.unknown.toLocaleString("en"));
  const negatives = `${point.negatives_answered} of ${point.negatives} that show none of the labels are answered`;
  put("between", "unknown", point.negatives ? negatives : "");
  showRecent(isOwn);
  const difference = point.unknown - curve.now.unknown;
  const change = difference > 0 ? `${difference} more are unknown` : difference < 0 ? `${-difference} fewer are unknown` : "as many are unknown";
  document.getElementById("now").textContent = isOwn ? ""
    : `Now: ${percent(shareOf(curve.now.precision))} right, ${percent(shareOf(curve.now.recall))} found, ${percent(shareOf(curve.now.answered))} answered. With ${percent(point.threshold)}, ${change} of the test pictures.`;
  mark(point);
  if (save) save.disabled = isOwn;
}

function showRecent(isOwn) {
  const { recent } = curve;
  document.getElementById("recent").hidden = !recent?.pictures;
  if (!recent?.pictures) return;
  const unknown = isOwn ? recent.now : recent.unknown[Number(slider.value)];
  put("figure", "recent", unknown.toLocaleString("en"));
  put("between", "recent", `of ${recent.pictures.toLocaleString("en")} pictures of the last ${recent.days} days unknown`);
  put("between", "recent-now", isOwn ? "" : `now ${recent.now.toLocaleString("en")}`);
}

/** The thresholds that the slider says, as the page's address has them. */
function wanted() {
  if (slider.dataset.moved !== "yes") return {};
  return { threshold: String(Number(slider.value) / 100), ...(chosen.value && { label: chosen.value }) };
}

/** Ask what each threshold does, of all labels or of the chosen one; the slider then stands at `start`, or at the
 * version's own threshold. Until then it rests, since it would say what holds of another label. Returns whether the
 * answer came, and no later question has. */
async function load(start = null) {
  const mine = ++asked;
  slider.disabled = true;
  clearTimeout(timer);
  const of = chosen.value ? `?label=${encodeURIComponent(chosen.value)}` : "";
  const found = await askAgain("GET", `${address}/thresholds${of}`);
  if (mine !== asked) return false;
  if (!found) { toast("What each threshold does cannot be told just now. Load the page again."); return false; }
  curve = found;
  slider.value = Math.round((start ?? curve.now.threshold) * 100);
  slider.dataset.moved = start === null ? "" : "yes";
  slider.disabled = false;
  draw();
  show();
  return true;
}

/** Save the threshold, and go to the version that comes of it. */
async function keep() {
  const body = { threshold: Number(slider.value) / 100, ...(chosen.value && { label: chosen.value }) };
  const says = document.getElementById("saving");
  save.disabled = true;
  let job = await ask("POST", `${address}/threshold`, body);
  while (job?.state === "running" || job?.state === "queued") {
    says.textContent = `${job.stage}${job.steps ? `: ${job.done} of ${job.steps}` : ""} …`;
    await new Promise((resolve) => { setTimeout(resolve, JOB_MS); });
    job = await askAgain("GET", `/jobs/${String(job.id).padStart(16, "0")}`);
  }
  if (job?.state === "done") {
    sessionStorage.setItem("say", job.say);
    location.assign(`/models/${encodeURIComponent(job.name)}/${job.version}`);
    return;
  }
  says.textContent = job ? job.say || `It was ${job.state}.` : "";
  save.disabled = false;
}

function legend() {
  for (const [figure, said] of Object.entries(LINES)) {
    const sample = svg("svg", { viewBox: "0 0 28 12", "aria-hidden": "true" });
    sample.append(svg("line", { class: figure, x1: 0, x2: 28, y1: 6, y2: 6 }));
    document.getElementById("curve-legend").append(element("span", {}, sample, said));
  }
}

export function begin(of) {
  if (!slider) return;
  address = of;
  legend();
  slider.addEventListener("input", () => {
    slider.dataset.moved = "yes";
    show();
    clearTimeout(timer);
    timer = setTimeout(() => at(wanted()), TABLE_MS);
  });
  chosen.addEventListener("change", async () => { if (await load()) at({}); });
  save?.addEventListener("click", keep);
  const here = new URLSearchParams(location.search);
  const start = here.has("threshold") ? Number(here.get("threshold")) : null;
  if (start !== null && here.has("label")) chosen.value = here.get("label");
  load(start);
}
