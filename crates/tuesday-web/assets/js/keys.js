// Letters. They act on a case that is drawn, never while somebody types, never from a key that is
// held down, and they can be moved to Alt or turned off (WCAG 2.1.4).

import { $, all, memory, say, typing } from "./dom.js";
import { isMoving, neighbour, open, ready } from "./desk.js";
import { editing, saveNow } from "./drafts.js";
import { justDecided } from "./send.js";
import { clear, extend, selected, toggle } from "./select.js";
import { showNew } from "./live.js";

const LETTERS = "tuesday-letters";
const DECIDING = ["a", "e", "r", "x", "c", "f", "m", "n", "o", "p"];
let sequence = 0;

export const letters = () => memory.get(LETTERS) ?? "on";

/** The choice in the list of keys. */
export function showLetters() {
  for (const button of all("[data-letters]")) button.setAttribute("aria-pressed", String(button.dataset.letters === letters()));
}

export function chooseLetters(value) {
  memory.set(LETTERS, value);
  showLetters();
  say(value === "off" ? "Letters are off." : value === "alt" ? "Letters work together with Alt." : "Letters are on.");
}

export function dialog(name) {
  const box = document.getElementById(name);
  if (!(box instanceof HTMLDialogElement)) return false;
  if (!box.open) box.showModal();
  (box.querySelector("input[type=radio]:checked") ?? box.querySelector("input[type=radio], textarea, select, button"))?.focus();
  return true;
}

/** Presses the control that has this key printed on it. */
function press(key, root = document) {
  const control = $(`[data-key="${key}"]`, root);
  if (!control || control.disabled || control.getAttribute("aria-disabled") === "true") return false;
  control.classList.add("acted");
  setTimeout(() => control.classList.remove("acted"), 160);
  control.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey) return control(event);
  const box = $("dialog[open]");
  if (box) return inDialog(event, box);
  if (event.key === "Escape") return leave(event);
  if (typing(event.target)) return undefined;
  if (choose(event, $("#edit .reasons, #together .ways, .item .ways"))) return undefined;
  const mode = letters();
  if (mode === "off" || event.altKey !== (mode === "alt")) return undefined;
  const key = mode === "alt" ? letter(event) : event.key;
  if (act(key, event)) event.preventDefault();
  return undefined;
});

// With Alt some keyboards print another character; the place of the key says which letter it was.
const letter = (event) => (/^Key[A-Z]$/.test(event.code) ? event.code.slice(3)[event.shiftKey ? "toUpperCase" : "toLowerCase"]()
  : /^Digit\d$/.test(event.code) ? event.code.slice(5) : event.key);

/** Keys with Ctrl work inside fields. */
function control(event) {
  if (event.key === "Enter") {
    if (press("ctrl-enter")) event.preventDefault();
  } else if (editing() && event.key.toLowerCase() === "s") {
    event.preventDefault();
    saveNow();
  }
}

function inDialog(event, box) {
  if (!typing(event.target)) choose(event, box);
}

/** A digit picks one of the choices. */
function choose(event, box) {
  if (!box || event.altKey || !/^[1-9]$/.test(event.key)) return false;
  const option = all("input[type=radio]:not(:disabled)", box)[event.key - 1];
  if (!option) return false;
  event.preventDefault();
  option.checked = true;
  option.focus();
  option.dispatchEvent(new Event("input", { bubbles: true }));
  return true;
}

function leave(event) {
  if (editing() || ($("#together") && !typing(event.target))) {
    event.preventDefault();
    press("escape");
  } else if (selected().length) clear();
  else if (typing(event.target)) {
    event.target.blur();
    $(".item h1")?.focus({ preventScroll: true });
  }
}

/** What a letter does. Answers false when it does nothing, so that the browser may use the key. */
function act(key, event) {
  if (sequence) {
    clearTimeout(sequence);
    sequence = 0;
    const place = $(`[data-go="${key}"]`);
    if (place) {
      location.assign(place.href);
      return true;
    }
  }
  if (DECIDING.includes(key)) return !event.repeat && ready() && !justDecided() && !editing() && decide(key);
  switch (key) {
    case "g":
      sequence = setTimeout(() => { sequence = 0; }, 1_500);
      return true;
    case "j": return go(1);
    case "k": return go(-1);
    case "J": return extend(1);
    case "K": return extend(-1);
    case "A": case "R": case "M": case "C":
      return !event.repeat && selected().length > 0 && press(`shift-${key.toLowerCase()}`);
    case "u": return !event.repeat && press("u");
    case "d": return switchView();
    case ".": return showNew();
    case "/": return focus();
    case "?": return dialog("keys");
    case " ": return free(event.target) && toggle();
    default: return /^[1-9]$/.test(key) && source(Number(key));
  }
}

// Space belongs to the control that has the focus; elsewhere it selects.
const free = (target) => !target.closest("a, button, summary, input, label");

/** Unanswered questions come before approving: the key goes to the first one. */
function decide(key) {
  if (key === "a") {
    const open = $('input[name="checklist"][form="approve"]:not(:checked)');
    const button = $('.acts [data-key="a"]');
    if (open && button && !button.disabled) {
      open.focus();
      open.scrollIntoView({ block: "center" });
      say(`Answer first: ${open.closest("label").textContent.trim()}`);
      $("#checklist-line")?.removeAttribute("hidden");
      return true;
    }
  }
  const done = press(key, $(".review") ?? document);
  if (key === "n") $(".addnote[open] textarea")?.focus();
  return done;
}

// A tick leads to the next question, and after the last one to the button.
document.addEventListener("change", (event) => {
  if (event.target.name !== "checklist" || !event.target.checked || event.target.form?.id !== "approve") return;
  const next = $('input[name="checklist"][form="approve"]:not(:checked)') ?? $('.acts [data-key="a"]');
  if (!next?.matches("input")) $("#checklist-line")?.setAttribute("hidden", "");
  next?.focus({ preventScroll: next.matches("button") });
});

function go(step) {
  const link = neighbour(step);
  if (!link || editing() || isMoving()) return false;
  if ($(".review")) open(link);
  else location.assign(link.href);
  return true;
}

function focus() {
  const found = $("#find") ?? $("input[type=search]");
  found?.focus();
  found?.select();
  return Boolean(found);
}

function source(n) {
  const box = document.getElementById(`source-${n}`);
  if (!box) return false;
  box.open = !box.open;
  box.querySelector("summary").focus();
  return true;
}

function switchView() {
  const views = all(".views input[type=radio]");
  const at = views.findIndex((v) => v.checked);
  if (at < 0) return false;
  const next = views[(at + 1) % views.length];
  next.checked = true;
  say(next.labels[0]?.textContent.trim() ?? "");
  return true;
}

/** The title of the tab says how many of one's own cases are late. */
export function lateTitle() {
  const late = Number($(".queue")?.dataset.late ?? 0);
  document.title = document.title.replace(/^\(\d+ late\) /, "");
  if (late) document.title = `(${late} late) ${document.title}`;
}

