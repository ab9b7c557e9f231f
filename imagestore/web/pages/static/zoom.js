// A picture as large as one wants to see it: Z or the button opens it, plus and minus or a click change its size.

import { element } from "./dom.js";

const STEPS = [1, 1.5, 2, 3, 4, 6, 8]; // times as large as it fits
const main = document.getElementById("main");
let step = 0;

function build(image) {
  const shown = element("img", { src: image.src, alt: "" });
  const say = element("span", { role: "status" });
  const bar = element("p", { className: "zoom-bar" });
  const dialog = element("dialog", { className: "zoom", ariaLabel: "The picture, enlarged" });
  const around = element("div", { className: "zoom-around", tabIndex: 0 });
  around.setAttribute("role", "group");
  around.setAttribute("aria-label", "Picture; arrow keys move it");
  const put = (to, x = 0.5, y = 0.5) => {
    step = Math.max(0, Math.min(STEPS.length - 1, to));
    shown.style.setProperty("width", `${100 * STEPS[step]}%`);
    shown.style.setProperty("height", `${100 * STEPS[step]}%`);
    say.textContent = `${Math.round(100 * STEPS[step])} %`;
    around.scrollTo(around.scrollWidth * x - around.clientWidth / 2, around.scrollHeight * y - around.clientHeight / 2);
  };
  const button = (text, label, run) => {
    const made = element("button", { type: "button", className: "button", textContent: text, ariaLabel: label });
    made.addEventListener("click", run);
    return made;
  };
  bar.append(button("−", "Smaller", () => put(step - 1)), say, button("+", "Larger", () => put(step + 1)), button("Close", "Close", () => dialog.close()));
  around.append(shown);
  dialog.append(around, bar);
  shown.addEventListener("click", (event) => {
    const box = shown.getBoundingClientRect();
    put(step === 0 ? 2 : 0, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  dialog.addEventListener("keydown", (event) => {
    const to = { "+": step + 1, "=": step + 1, "-": step - 1, 0: 0 }[event.key];
    if (to !== undefined) { event.preventDefault(); put(to); }
    if (event.key === "z") dialog.close();
  });
  dialog.addEventListener("close", () => { dialog.remove(); document.getElementById("enlarge")?.focus(); });
  document.body.append(dialog);
  dialog.showModal();
  around.focus();
  put(0);
}

function open() {
  const image = main.querySelector(".original img");
  if (image && !document.querySelector("dialog[open]")) build(image);
}

const offer = () => { const button = document.getElementById("enlarge"); if (button) button.hidden = false; };
main.addEventListener("click", (event) => { if (event.target.closest("#enlarge, .original img")) open(); });
document.addEventListener("keydown", (event) => {
  if (event.key !== "z" || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  if (document.querySelector("dialog[open]")) return;
  event.preventDefault();
  open();
});
new MutationObserver(offer).observe(main, { childList: true });
offer();
