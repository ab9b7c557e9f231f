// Where in a picture a label comes from: a heat map over the picture, of one label at a time.
//
// `over` holds the picture's <img> alone; `ask` answers for a label (or null, the one that the model answered) what
// GET /api/v1/pictures/{id}/why does, or null where that cannot be said.

import { element, explain, patientFetch } from "./dom.js";

const FOR = [232, 74, 0]; // orange: speaks for it
const AGAINST = [0, 96, 220]; // blue: speaks against it
const MOST_OPAQUE = 0.8;
const SIDE = 512; // of what is drawn; it is shown as large as the picture

/** Draw what each place adds to the label, in the picture's proportions: a pixel a place, enlarged and blurred. */
function draw(canvas, image, { shares, area }) {
  const places = element("canvas", { width: shares[0].length, height: shares.length });
  const context = places.getContext("2d");
  const pixels = context.createImageData(places.width, places.height);
  const most = Math.max(1e-9, ...shares.flat().map(Math.abs));
  shares.flat().forEach((share, at) => {
    const [red, green, blue] = share > 0 ? FOR : AGAINST;
    pixels.data.set([red, green, blue, 255 * MOST_OPAQUE * (Math.abs(share) / most)], 4 * at);
  });
  context.putImageData(pixels, 0, 0);
  const scale = SIDE / Math.max(image.naturalWidth, image.naturalHeight);
  const [width, height] = [image.naturalWidth, image.naturalHeight].map((side) => Math.max(1, Math.round(side * scale)));
  Object.assign(canvas, { width, height });
  const at = [area.left * width, area.top * height, (area.right - area.left) * width, (area.bottom - area.top) * height];
  const drawing = canvas.getContext("2d");
  drawing.drawImage(places, ...at);
  for (const [colour, offset] of [["#fff", 0], ["#000", 4]]) { // seen on any picture
    Object.assign(drawing, { strokeStyle: colour, lineDashOffset: offset });
    drawing.setLineDash([4, 4]);
    drawing.strokeRect(...at);
  }
}

/** Whether the model saw only a part of the picture. */
const isCropped = ({ left, top, right, bottom }) => Math.max(left, top, 1 - right, 1 - bottom) > 0.005;

/** The learned pictures that are nearest to one, or a sentence why there are none; `sent` are options of the request. */
export async function tellNearest(address, sent = {}) {
  let response;
  try {
    response = await patientFetch(address, sent);
  } catch {
    return element("p", { className: "small", textContent: "The server does not answer." });
  }
  if (!response.ok) return element("p", { className: "small", textContent: await explain(response) });
  const { project, model, items, compared, problem } = await response.json();
  if (problem) return element("p", { className: "small", textContent: `Nearest training pictures: ${problem}` });
  const list = element("ul", { className: "learned" });
  for (const { sha256, labels, similarity } of items) {
    const name = labels.join(", ") || "none of the labels";
    list.append(element("li", {},
      element("img", { src: `/api/v1/projects/${project}/training/${sha256}/thumbnail`, alt: "", loading: "lazy" }),
      element("bdi", { textContent: name }), " ", element("span", { className: "number", textContent: similarity.toFixed(2) })));
  }
  const said = `The most alike of ${compared.toLocaleString("en")} pictures that ${model.name} ${model.version} learned from:`;
  return element("div", {}, element("p", { className: "small", textContent: said }), list);
}

/** Offer the heat map of a picture, and with it what `nearest` tells. Returns what shows or hides it. */
export function offerWhy({ over, controls, button, ask, nearest }) {
  const canvas = element("canvas", { className: "heat", ariaHidden: "true", hidden: true });
  const said = element("p", { className: "small where" });
  said.setAttribute("role", "status");
  const choice = element("select", { id: `${button.id}-label` });
  const legend = element("p", { className: "small legend", hidden: true },
    element("label", { htmlFor: choice.id, textContent: "Why" }), " ", choice, " ",
    element("span", { className: "for", textContent: "speaks for it" }), " ",
    element("span", { className: "against", textContent: "speaks against it" }));
  const part = element("p", { className: "small", textContent: "The model saw what is inside the dashed line.", hidden: true });
  let asked = 0; // how often it was asked: only the latest answer counts
  const learned = element("div", { hidden: true });
  const image = over.querySelector("img");
  controls.append(legend, part, said, learned);

  async function show(label) {
    const mine = ++asked;
    button.setAttribute("aria-pressed", "true");
    said.textContent = "Looking…";
    const [found] = await Promise.all([ask(label), image.decode().catch(() => {})]);
    if (mine !== asked) return;
    if (!found) { hide(); return; }
    const canBeDrawn = image.naturalWidth > 0; // not of a format that the browser cannot read
    if (canBeDrawn) draw(canvas, image, found);
    choice.replaceChildren(...found.labels.map((one) => new Option(one, one, false, one === found.label)));
    said.textContent = `${found.label}: ${found.where}`;
    if (!canvas.isConnected) over.append(canvas);
    legend.hidden = false;
    canvas.hidden = !canBeDrawn;
    part.hidden = !canBeDrawn || !isCropped(found.area);
    learned.hidden = false;
    if (learned.childElementCount === 0) learned.replaceChildren(await nearest());
  }
  function hide() {
    asked += 1;
    canvas.hidden = legend.hidden = part.hidden = learned.hidden = true;
    said.textContent = "";
    button.setAttribute("aria-pressed", "false");
  }
  const toggle = () => { if (button.getAttribute("aria-pressed") === "true") hide(); else show(null); };
  choice.addEventListener("change", () => show(choice.value));
  button.addEventListener("click", toggle);
  button.hidden = false;
  return toggle;
}
