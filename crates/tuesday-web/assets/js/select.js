// Selecting rows to act on several alike cases at once. The boxes are the truth; the server says which
// of the cases may be decided together.

import { $, all, plural, say } from "./dom.js";
import { neighbour, open, rows } from "./desk.js";

const boxes = () => all(".qlist input[name=pick]");
const boxOf = (row) => row?.parentElement.querySelector("input[name=pick]");
let last = null;

export const selected = () => boxes().filter((box) => box.checked);

const here = () => rows().find((a) => a.hasAttribute("aria-current")) ?? rows()[0];

/** Says how many there are, to those who see the page and to those who do not. */
function count({ aloud = true } = {}) {
  const n = selected().length;
  const line = $("#several [data-count]");
  if (line) line.textContent = `${n} selected`;
  if (aloud) say(`${plural(n, "case")} selected`);
}

export function toggle() {
  const box = boxOf(here());
  if (!box) return false;
  box.checked = !box.checked;
  last = box;
  count();
  return true;
}

export function extend(step) {
  const box = boxOf(here());
  if (!box) return false;
  box.checked = true;
  const next = neighbour(step);
  if (next) {
    boxOf(next).checked = true;
    open(next);
  }
  count();
  return true;
}

export function clear() {
  for (const box of boxes()) box.checked = false;
  count();
}

/** Rows that left the list took their boxes with them. */
export const prune = () => count({ aloud: false });

// With Shift, everything between the last box and this one gets the same mark.
document.addEventListener("click", (event) => {
  if (event.target.name !== "pick") return;
  const list = boxes();
  const [from, to] = [list.indexOf(last), list.indexOf(event.target)];
  if (event.shiftKey && from >= 0) {
    for (const box of list.slice(Math.min(from, to), Math.max(from, to) + 1)) box.checked = event.target.checked;
  }
  last = event.target;
  count();
});
