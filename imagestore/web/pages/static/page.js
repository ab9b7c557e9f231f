// On every page: times as they are here, what the page before wanted to say, and pictures that were refused.

import { localise, sayWhatWaits } from "./dom.js";
import { keepImages } from "./images.js";

localise(document);
sayWhatWaits();
keepImages();
