// Sends one file, with progress, and tries again where the server does not answer or is busy, when it wants to be asked.

import { pause, sayBusy, secondsToWait } from "./dom.js";

const TRIES = 8;
const BUSY = [429, 502, 503, 504];

/** The server does not want this file; sending it again cannot help. */
export class NotTaken extends Error {}

function sendOnce(address, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1${address}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => progress(event.loaded, event.total));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => reject(new Error("The connection broke off.")));
    request.send(file);
  });
}

/** What the API answered as JSON; an object with a sentence as `detail` where it was none. */
function read(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return { detail: `The server answered ${request.status}.` };
  }
}

/** Upload a picture. What the API answered: a record, or that one is on its way. See sendTo. */
export const send = (name, file, progress) => sendTo(`/pictures?if_exists=rename&name=${encodeURIComponent(name)}`, file, progress);

/** Send a file to this address of the API, and what it answered. An Error says why not; NotTaken, that it is for good. */
export async function sendTo(address, file, progress) {
  let wrong = null;
  let wait = 1; // seconds
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    try {
      const request = await sendOnce(address, file, progress);
      const answer = read(request);
      if (request.status < 300) return answer;
      wrong = new (request.status < 500 && !BUSY.includes(request.status) ? NotTaken : Error)(answer.detail);
      wrong.status = request.status;
      wait = secondsToWait(request.getResponseHeader("Retry-After"), attempt);
      if (!BUSY.includes(request.status)) break;
      if (request.status === 429) sayBusy(wait);
    } catch (error) {
      wrong = error;
      wait = attempt;
    }
    if (attempt < TRIES) await pause(1000 * wait);
  }
  throw wrong;
}
