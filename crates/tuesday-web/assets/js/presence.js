// While a case is open the server hears that it is read, and for how long it was in view; the page
// hears who else has it open. Only editing is in anybody's way.

import { $, on } from "./dom.js";
import { current } from "./desk.js";
import { editing } from "./drafts.js";

const EACH_MS = 20_000;
const IDLE_MS = 60_000;
/** The case that is read: its address, since when it was in view, and what is not told yet. */
let read = null;
let active = Date.now();
let timer = 0;

function doing() {
  if (document.hidden || Date.now() - active > IDLE_MS) return "idle";
  return editing() ? "editing" : "viewing";
}

/** Time in view since the last call, in milliseconds. */
function seen() {
  const now = Date.now();
  const ms = read.since ? now - read.since : 0;
  read.since = document.hidden ? 0 : now;
  return ms;
}

async function tell(what = doing()) {
  if (!read) return;
  const { address, item } = read;
  const body = new URLSearchParams({
    csrf: document.body.dataset.csrf, doing: what, revision: item.dataset.rev, visible_ms: seen(),
  });
  try {
    const answer = await fetch(address, { method: "POST", body, credentials: "same-origin", keepalive: true });
    if (answer.ok && item === current()) show((await answer.json()).people);
  } catch { /* The next sign of life tells it. */ }
}

const WORDS = { viewing: "has this open too", editing: "is editing this now", idle: "has left this open" };

function show(people) {
  const line = $("[data-present]");
  if (!line) return;
  const words = people.map((p) => `${p.name} ${WORDS[p.doing]}`).join(", ");
  if (line.textContent !== words) line.textContent = words;
  line.classList.toggle("busy", people.some((p) => p.doing === "editing"));
  line.hidden = !words;
}

on("drawn", () => {
  const item = current();
  // Between reading and editing the same case nobody leaves it.
  if (read && read.address !== item?.dataset.reading) tell("idle");
  clearInterval(timer);
  read = null;
  if (!item?.dataset.reading) return;
  read = { address: item.dataset.reading, item, since: document.hidden ? 0 : Date.now() };
  tell();
  timer = setInterval(() => tell(), EACH_MS);
});

for (const kind of ["keydown", "pointerdown", "wheel"]) {
  document.addEventListener(kind, () => { active = Date.now(); }, { passive: true, capture: true });
}
document.addEventListener("visibilitychange", () => tell());
window.addEventListener("pagehide", () => tell("idle"));
