// The start: the page out of the data in the document.

import { Page } from "./page.js";

new Page(JSON.parse(document.getElementById("data").textContent));
