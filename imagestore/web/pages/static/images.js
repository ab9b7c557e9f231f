// Pictures that the server was too busy to send are asked for again, so that none stays broken.

import { pause, secondsToWait } from "./dom.js";

const TRIES = 4;
const BUSY = [429, 503];
const tried = new WeakMap();

/** How long to wait before an image is asked for again, in seconds; null where that would be in vain. */
async function wait(address) {
  try {
    const response = await fetch(address);
    if (response.ok) return 0;
    return BUSY.includes(response.status) ? secondsToWait(response.headers.get("Retry-After"), 1) : null;
  } catch {
    return null;
  }
}

async function again(image) {
  const address = image.src;
  const tries = (tried.get(image) ?? 0) + 1;
  if (tries > TRIES || !address.startsWith(`${location.origin}/`)) return;
  tried.set(image, tries);
  const seconds = await wait(address);
  if (seconds === null) return;
  await pause(1000 * seconds * (1 + Math.random())); // so that not all of a page come back at once
  if (image.isConnected && image.src === address) image.src = address;
}

/** Look after all images of the page, those that come later, too. */
export function keepImages() {
  document.addEventListener("error", (event) => {
    if (event.target instanceof HTMLImageElement) again(event.target);
  }, true);
  for (const image of document.images) {
    if (image.complete && image.src && image.naturalWidth === 0) again(image);
  }
}
