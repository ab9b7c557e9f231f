// Sends one file, with progress, and tries again where the server is away or busy.

const TRIES = 5;
const PAUSE_MS = 1000;

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function sendOnce(name, file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/pictures?if_exists=rename&name=${encodeURIComponent(name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", (event) => progress(event.loaded, event.total));
    request.addEventListener("load", () => resolve(request));
    request.addEventListener("error", () => reject(new Error("The connection broke off.")));
    request.send(file);
  });
}

/** What the API answered: a record, or that one is on its way. An Error says why not. */
export async function send(name, file, progress) {
  let wrong = null;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    try {
      const request = await sendOnce(name, file, progress);
      const answer = JSON.parse(request.responseText);
      if (request.status < 300) return answer;
      wrong = new Error(answer.detail);
      if (request.status !== 429 && request.status !== 503) throw Object.assign(wrong, { final: true });
    } catch (error) {
      wrong = error;
      if (error.final) throw error;
    }
    if (attempt < TRIES) await pause(PAUSE_MS * attempt);
  }
  throw wrong;
}
