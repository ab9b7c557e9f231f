// On every page: times as they are here, and what the page before wanted to say.

import { localise, sayWhatWaits } from "./dom.js";

localise(document);
sayWhatWaits();
