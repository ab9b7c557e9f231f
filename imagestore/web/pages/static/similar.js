// Compares a picture of one's own with all others: chosen, dropped or pasted. Nothing of it is kept.

import { element, explain, parse, patientFetch, toast } from "./dom.js";

const form = document.getElementById("own");
const found = document.getElementById("found");
const file = document.getElementById("file");
let asked = 0; // how often it was asked: only the latest answer counts

async function compare(picture) {
  const mine = ++asked;
  form.setAttribute("aria-busy", "true");
  const shown = element("img", { alt: "", src: URL.createObjectURL(picture) });
  shown.addEventListener("error", () => shown.remove()); // a format that the browser cannot show
  document.getElementById("compared").replaceChildren(
    element("span", { className: "frame" }, shown), element("figcaption", { textContent: picture.name }),
  );
  let response;
  try {
    response = await patientFetch(`/similar${location.search}`, { method: "POST", body: picture, headers: { "x-fragment": "1" } });
  } catch {
    response = null;
  }
  if (mine !== asked) return;
  form.removeAttribute("aria-busy");
  if (!response?.ok) {
    toast(response ? await explain(response) : "The server does not answer.");
    return;
  }
  found.replaceChildren(parse(await response.text()));
  found.focus();
}

file.addEventListener("change", () => { if (file.files[0]) compare(file.files[0]); });
for (const kind of ["dragenter", "dragover"]) {
  form.addEventListener(kind, (event) => { event.preventDefault(); event.stopPropagation(); });
}
form.addEventListener("drop", (event) => { // elsewhere on the page, it is taken in
  event.preventDefault();
  event.stopPropagation();
  document.documentElement.classList.remove("dropping");
  const [picture] = event.dataTransfer.files;
  if (picture) compare(picture);
});
document.addEventListener("paste", (event) => {
  const [picture] = event.clipboardData.files;
  if (picture) compare(picture);
});
form.hidden = false;
