// What was typed is not lost when the server refuses it: the form comes back filled, and the reason stands
// in it too. What the server filled in by itself stays.

import { $, all, make } from "./dom.js";

const NAME = "tuesday-typed";

/** Passwords and files are never kept; what is hidden belongs to the server. */
const keeps = (field) => field.name && !["hidden", "password", "file", "submit", "button"].includes(field.type) && field.autocomplete !== "one-time-code";
const path = (form) => new URL(form.getAttribute("action") || location.href, location.href).pathname;
/** Which of several forms with one address: what tells them apart is hidden in them. */
const which = (form) => [...form.elements].filter((f) => f.type === "hidden" && f.name !== "csrf").map((f) => `${f.name}=${f.value}`).join("&");

/** Keeps what is in a form that is sent, until the next page is there. */
export function keep(form) {
  const fields = [...form.elements].filter(keeps).map((f) => ({ name: f.name, value: f.value, on: f.checked === true }));
  if (!fields.some((f) => f.value)) return;
  try {
    sessionStorage.setItem(NAME, JSON.stringify({ path: path(form), which: which(form), fields }));
  } catch { /* Nothing depends on it. */ }
}

function taken() {
  try {
    const text = sessionStorage.getItem(NAME);
    sessionStorage.removeItem(NAME);
    return text && JSON.parse(text);
  } catch { return null; }
}

function fill(field, was) {
  if (["checkbox", "radio"].includes(field.type)) {
    if (field.value === was.value) field.checked = was.on;
  } else if (field.tagName !== "SELECT" || [...field.options].some((o) => o.value === was.value)) {
    field.value = was.value;
  }
}

/** On a page that says a refusal: the form as it was sent, with the reason in it. */
export function restore() {
  const kept = taken();
  const refusal = $("[data-refused]");
  if (!kept || !refusal) return;
  const form = all("form[method=post]").find((f) => path(f) === kept.path && which(f) === kept.which);
  if (!form) return;
  for (const was of kept.fields) {
    for (const field of form.elements) if (keeps(field) && field.name === was.name) fill(field, was);
  }
  for (let fold = form.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  const named = refusal.dataset.refused && form.elements.namedItem(refusal.dataset.refused);
  const wrong = named instanceof HTMLElement ? named : null;
  const reason = [...refusal.querySelectorAll("p")].map((p) => p.textContent.trim()).join(" ");
  (wrong?.closest(".field") ?? form).append(make("p", { class: "fault", id: "refused-here" }, reason));
  if (wrong) {
    wrong.setAttribute("aria-invalid", "true");
    wrong.setAttribute("aria-describedby", "refused-here");
  }
  (wrong ?? [...form.elements].find(keeps))?.focus();
}
