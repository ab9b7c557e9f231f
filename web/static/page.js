import { localise } from "./dom.js";

localise(document);
