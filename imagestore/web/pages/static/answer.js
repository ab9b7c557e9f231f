// Shows what a version says of a picture that nobody keeps.

import { element } from "./dom.js";

const SHOWN = 5;
const SVG = "http://www.w3.org/2000/svg";

/** What is shown below an answer: functions of {answer, file, version, over} that return an element, null, or a promise
 * of one. `version` is {name, version}, and `over` holds the picture's <img>. */
export const sections = [];

const percent = (share) => `${share < 1 && Math.round(share * 100) === 100 ? 99 : Math.round(share * 100)} %`;

/** An element with what the version says of the picture in this file. */
export function renderAnswer(answer, file, version) {
  const { prediction } = answer;
  const words = element("div", {},
    element("h3", {}, element("bdi", { textContent: heading(answer) })),
    element("p", { className: "file" }, element("bdi", { className: "name", textContent: file.name, title: file.name })),
    bars(prediction),
    element("p", { className: "small", textContent: why(answer) }));
  const [more, over] = [element("div", { className: "more-of-it" }), picture(file)];
  for (const section of sections) place(section({ answer, file, version, over }), more);
  return element("li", { className: "answer" }, over, words, more);
}

async function place(section, more) {
  const found = await section;
  if (found) more.append(found);
}

function heading({ label, prediction }) {
  if (label === null) return "Unknown";
  return prediction.labels ? prediction.labels.map((one) => one.label).join(", ") : label;
}

/** Whether the answer is a family of classes, such as cat for tabby and tiger cat. */
const isFamily = ({ label, labels, top }) => !labels && label !== top[0]?.label;

/** Why it says so, in a sentence. */
function why({ label, prediction }) {
  if (label === null && prediction.distance_limit !== null && prediction.distance > prediction.distance_limit) {
    return "It is unlike all that the version learned from, so it does not commit itself.";
  }
  const [sure, least] = [prediction.confidence, prediction.threshold].map(percent);
  if (label === null) return `It is ${sure} sure; under ${least} it does not commit itself.`;
  if (isFamily(prediction)) return `No class is sure enough, but together those of ${label} are: ${sure}, from ${least} on.`;
  return `It is ${sure} sure, and answers from ${least} on.`;
}

function bars(prediction) {
  const { top, threshold } = prediction;
  const list = element("ul", { className: "bars", ariaLabel: "What the version thinks" });
  for (const [i, { label, probability }] of top.slice(0, SHOWN).entries()) {
    list.append(element("li", {},
      element("bdi", { textContent: label }),
      element("span", { className: "number", textContent: percent(probability) }),
      bar(probability, i === 0, i === 0 && !isFamily(prediction) ? threshold : null)));
  }
  return list;
}

function bar(share, isLikeliest, threshold) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", isLikeliest ? "bar likely" : "bar");
  made.setAttribute("viewBox", "0 0 100 6");
  made.setAttribute("preserveAspectRatio", "none");
  made.setAttribute("aria-hidden", "true");
  const parts = [["rail", 0, 100], ["fill", 0, share * 100]];
  if (threshold !== null) parts.push(["threshold-mark", threshold * 99, 0.8]);
  for (const [name, x, width] of parts) {
    const rect = document.createElementNS(SVG, "rect");
    for (const [key, value] of Object.entries({ class: name, x, width, height: 6 })) rect.setAttribute(key, value);
    made.append(rect);
  }
  return made;
}

/** The picture itself; a grey field where the browser cannot show it. */
function picture(file) {
  const shown = element("img", { alt: file.name, src: URL.createObjectURL(file) });
  const frame = element("div", { className: "over" }, shown);
  shown.addEventListener("error", () => {
    URL.revokeObjectURL(shown.src);
    frame.replaceChildren(element("span", { className: "blank" }));
  });
  return frame;
}
