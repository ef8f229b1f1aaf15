// The review queue by keyboard: each key presses the button that shows it. Letters are recognised by their position on
// the keyboard, so that they work with every layout.
"use strict";

const TEXT_FIELDS = "input, textarea, select";
let busy = false;

function keyOf(event) {
  const digit = /^(?:Digit|Numpad)([1-5])$/.exec(event.code);
  if (digit) return digit[1];
  const letter = /^Key([NUI])$/.exec(event.code);
  if (letter) return letter[1].toLowerCase();
  if (event.key === "/" || event.code === "Slash") return "/";
  return event.key === "Enter" ? "1" : "";
}

document.addEventListener("keydown", (event) => {
  const desk = document.getElementById("desk");
  const target = event.target;
  if (event.key === "Escape") {
    desk.querySelectorAll("#find[open], #ask[open]").forEach((one) => { one.open = false; });
    return desk.querySelector("h1").focus();
  }
  if (event.key === "Enter" && event.ctrlKey && target.matches("textarea")) return target.form.requestSubmit();
  if (event.key === "Enter" && target.id === "filter") {
    event.preventDefault();
    return desk.querySelector(".found button:not([hidden])")?.click();
  }
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || target.matches(TEXT_FIELDS)) return;
  if (event.key === "Enter" && target.matches("a, button, summary")) return;
  const key = keyOf(event);
  const button = key && desk.querySelector(`[data-key="${key}"]`);
  if (!button) return;
  event.preventDefault();
  if (busy) return;
  const box = button.closest("details");
  if (box) {
    box.open = true;
    box.querySelector("input[type=search], textarea").focus();
  } else button.click();
});

document.addEventListener("input", (event) => {
  if (event.target.id !== "filter") return;
  const part = event.target.value.toLowerCase();
  for (const one of document.querySelectorAll(".found button")) one.hidden = !one.value.toLowerCase().includes(part);
});

const isReviewRequest = (event) => event.detail.ctx?.target?.id === "desk";

document.addEventListener("htmx:before:request", (event) => { if (isReviewRequest(event)) busy = true; });
document.addEventListener("htmx:finally:request", (event) => { if (isReviewRequest(event)) busy = false; });
document.addEventListener("htmx:error", (event) => {
  if (isReviewRequest(event)) showError(document.getElementById("desk").dataset.unavailable);
});
document.addEventListener("htmx:after:swap", () => document.querySelector("#desk h1")?.focus());
document.querySelector("#desk h1")?.focus();
