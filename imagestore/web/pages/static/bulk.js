// Changes of many pictures: begun, continued step by step until all is done, and undone.

import { ask, askAgain, toast } from "./dom.js";

const UNDO_S = 60;

/** What is being done, from how far it is. */
function progress({ state, pictures, changed, same, left_alone, restored, kept }) {
  const count = (number) => number.toLocaleString("en");
  return state === "undoing" ? `Undoing: ${count(restored + kept)} of ${count(changed)}.`
    : `${count(changed + same + left_alone)} of ${count(pictures)}.`;
}

/** Do the steps that are left. `say(text)` is told how far it is. Returns the change at its end; null if it stopped. */
export async function finish(change, say = () => {}) {
  let now = change;
  while (now && (now.state === "applying" || now.state === "undoing")) {
    say(progress(now));
    now = await askAgain("POST", `/changes/${now.id}/continue`);
  }
  return now;
}

/** Undo a change, or what of it was done; `tell` says what came of it. Returns the change at its end; null if it was not
 * undone. */
export async function undo(id, say, tell = toast) {
  const begun = await ask("POST", `/changes/${id}/undo`);
  const undone = begun && await finish(begun, say);
  if (undone) {
    const { restored, kept } = undone;
    tell(kept === 0 ? `Undone: ${restored === 1 ? "1 picture is" : `${restored} pictures are`} as before.`
      : `Undone, but for ${kept} that somebody has changed since: see Changes.`);
  }
  return undone;
}

/** Begin a change of many pictures and do all of it; the rest as in `begin`. */
export const change = (query, body, told) => begin(`/changes${query}`, body, told);

/** Begin a change by this address and do all of it. `said(change)` is the sentence that tells of it, beside which it can be undone;
 * `tell` says what came of that. Returns the change at its end; null if it was refused or stopped. */
export async function begin(address, body, { said, say, tell }) {
  const begun = await ask("POST", address, body);
  const done = begun && await finish(begun, say);
  if (begun && !done) toast("It stopped before the end. The page Changes goes on with it, or undoes it.", { seconds: 20 });
  if (!done) return null;
  const left = done.left_alone ? ` ${done.left_alone === 1 ? "1 was" : `${done.left_alone} were`} left alone: see Changes.` : "";
  const action = done.can_undo && done.changed ? { text: "Undo", run: () => undo(done.id, say, tell) } : null;
  toast(said(done) + left, { action, seconds: action ? UNDO_S : 6 });
  return done;
}
