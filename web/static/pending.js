import { watch } from "./events.js";

const { id } = document.getElementById("pending").dataset;
watch({ picture(record) { if (record.id === id) location.reload(); } });
