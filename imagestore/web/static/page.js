// On every page: times as they are here.

import { localise } from "./dom.js";

localise(document);
