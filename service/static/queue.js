// One checkbox selects all tickets of the page.
"use strict";

document.getElementById("all")?.addEventListener("change", (event) => {
  for (const one of document.querySelectorAll("input[name=ticket]")) one.checked = event.target.checked;
});
