// A version's page: its parts, and promoting it.

import { ask } from "./dom.js";
import * as mistakes from "./mistakes.js";
import * as threshold from "./threshold.js";
import * as trying from "./try.js";
import "./try_why.js";

const { name, version, address } = document.getElementById("version").dataset; // no name: the one that came with the app

trying.begin({ name, version });
mistakes.begin();
threshold.begin(address);
document.getElementById("promote")?.addEventListener("click", async () => {
  if (await ask("POST", `${address}/promote`)) location.assign("/models"); // where one sees how far it is
});
