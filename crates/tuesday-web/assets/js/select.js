// Selecting rows to act on several alike cases at once. The server says which of them may be decided together.

import { $, plural, say } from "./dom.js";
import { neighbour, open, rows } from "./desk.js";

const chosen = new Set();

export const selected = () => [...chosen];

const here = () => rows().find((a) => a.hasAttribute("aria-current")) ?? rows()[0];

function mark() {
  for (const a of rows()) {
    const box = a.parentElement.querySelector("input[name=pick]");
    if (box) box.checked = chosen.has(a.dataset.id);
    a.parentElement.classList.toggle("picked", chosen.has(a.dataset.id));
  }
  const bar = $("#several");
  if (!bar) return;
  bar.hidden = chosen.size === 0;
  const line = $("[data-count]", bar);
  if (line) line.textContent = `${chosen.size} selected`;
}

export function toggle() {
  const row = here();
  if (!row || !$("#several")) return false;
  if (!chosen.delete(row.dataset.id)) chosen.add(row.dataset.id);
  mark();
  say(`${plural(chosen.size, "case")} selected`);
  return true;
}

export function extend(step) {
  const row = here();
  if (!row || !$("#several")) return false;
  chosen.add(row.dataset.id);
  const next = neighbour(step);
  if (next) {
    chosen.add(next.dataset.id);
    open(next);
  }
  mark();
  say(`${plural(chosen.size, "case")} selected`);
  return true;
}

export function clear() {
  chosen.clear();
  mark();
}

/** Rows that left the list are not acted on. */
export function prune() {
  const known = new Set(rows().map((a) => a.dataset.id));
  for (const id of chosen) if (!known.has(id)) chosen.delete(id);
  mark();
}

document.addEventListener("change", (event) => {
  if (event.target.name !== "pick") return;
  if (event.target.checked) chosen.add(event.target.value);
  else chosen.delete(event.target.value);
  mark();
});

