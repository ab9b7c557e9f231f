// The page of a picture that has no record yet: it becomes the picture's own page as soon as there is one.

import { watch } from "./events.js";

const { id } = document.getElementById("pending").dataset;
watch({ picture(record) { if (record.id === id) location.reload(); } });
