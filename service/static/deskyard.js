// What every page does: say when the service does not answer, and take it back when it does.
"use strict";

const trouble = document.getElementById("trouble");

function tell(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

function reason(text) {
  try {
    return JSON.parse(text).detail;
  } catch {
    return "";
  }
}

document.addEventListener("htmx:error", () => tell(trouble.dataset.away));
document.addEventListener("htmx:after:request", async (event) => {
  const answer = event.detail.ctx.response;
  if (!answer) return;
  if (answer.status === 401) location.reload();
  else if (answer.status >= 400) tell(`${trouble.dataset.failed} ${reason(event.detail.ctx.text) || answer.status}`);
  else tell("");
});
