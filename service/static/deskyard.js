// On every page: show an error when a request fails or the service does not respond, and hide it when it works again.
"use strict";

const errorBox = document.getElementById("error");

function showError(text) {
  errorBox.textContent = text;
  errorBox.hidden = !text;
}

function problemDetail(text) {
  try {
    return JSON.parse(text).detail;
  } catch {
    return "";
  }
}

document.addEventListener("htmx:error", () => showError(errorBox.dataset.unavailable));
document.addEventListener("htmx:after:request", async (event) => {
  const answer = event.detail.ctx.response;
  if (!answer) return;
  if (answer.status === 401) location.reload();
  else if (answer.status >= 400) {
    showError(`${errorBox.dataset.failed} ${problemDetail(event.detail.ctx.text) || answer.status}`);
  } else showError("");
});
