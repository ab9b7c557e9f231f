// Below the answer to a picture that is tried: where in it the label comes from, and which learned pictures are like it.

import { sections } from "./answer.js";
import { element, explain, patientFetch, toast } from "./dom.js";
import { offerWhy, tellNearest } from "./why.js";

let count = 0;

/** What the API says of a file; null where it cannot be said, which is then told. */
async function ask(file, { name, version }, label) {
  const asked = new URLSearchParams({ ...(name && { project: name, version }), ...(label && { label }) });
  let response;
  try {
    response = await patientFetch(`/api/v1/classify/why?${asked}`, { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });
  } catch {
    toast("The server does not answer.");
    return null;
  }
  if (response.ok) return response.json();
  toast(await explain(response));
  return null;
}

sections.push(({ file, version, over }) => {
  const controls = element("div");
  const button = element("button", { type: "button", className: "button enlarge", id: `try-why-${++count}`, textContent: "Why?", hidden: true });
  button.setAttribute("aria-pressed", "false");
  over.querySelector("img").addEventListener("load", () => {
    const asked = new URLSearchParams(version.name && { project: version.name, version: version.version });
    const sent = { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } };
    const nearest = () => tellNearest(`/api/v1/classify/nearest?${asked}`, sent);
    offerWhy({ over, controls, button, nearest, ask: (label) => ask(file, version, label) });
  });
  return element("div", {}, button, controls);
});
