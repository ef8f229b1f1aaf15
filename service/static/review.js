// The review desk by keyboard: a key presses the button that bears it. Letters are told by their place, so that they
// work whatever the keyboard writes.
"use strict";

const WRITES = "input, textarea, select";
let busy = false;

function pressed(event) {
  const digit = /^(?:Digit|Numpad)([1-5])$/.exec(event.code);
  if (digit) return digit[1];
  const letter = /^Key([NUI])$/.exec(event.code);
  if (letter) return letter[1].toLowerCase();
  if (event.key === "/" || event.code === "Slash") return "/";
  return event.key === "Enter" ? "1" : "";
}

document.addEventListener("keydown", (event) => {
  const desk = document.getElementById("desk");
  const at = event.target;
  if (event.key === "Escape") {
    desk.querySelectorAll("#find[open], #ask[open]").forEach((one) => { one.open = false; });
    return desk.querySelector("h1").focus();
  }
  if (event.key === "Enter" && event.ctrlKey && at.matches("textarea")) return at.form.requestSubmit();
  if (event.key === "Enter" && at.id === "filter") {
    event.preventDefault();
    return desk.querySelector(".found button:not([hidden])")?.click();
  }
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || at.matches(WRITES)) return;
  if (event.key === "Enter" && at.matches("a, button, summary")) return;
  const key = pressed(event);
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

const ours = (event) => event.detail.ctx?.target?.id === "desk";

document.addEventListener("htmx:before:request", (event) => { if (ours(event)) busy = true; });
document.addEventListener("htmx:finally:request", (event) => { if (ours(event)) busy = false; });
document.addEventListener("htmx:error", (event) => {
  if (ours(event)) tell(document.getElementById("desk").dataset.away);
});
document.addEventListener("htmx:after:swap", () => document.querySelector("#desk h1")?.focus());
document.querySelector("#desk h1")?.focus();
