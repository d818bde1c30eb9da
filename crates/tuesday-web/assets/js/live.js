// The queue stays true without a reload: the server says that something changed, the list is read
// again and patched in place. Focus, scroll and the row under the cursor stay where they are.

import { $, all, make, parse, plural, say, tell } from "./dom.js";
import { current, forget, lookAhead, nameNext, rows } from "./desk.js";
import { found } from "./send.js";

const EACH_MS = 1_000;
const TIMES_MS = 30_000;
const WITHOUT_EVENTS_MS = 15_000;
let waiting = 0;
let readAt = 0;
let reading = false;
let fresh = null;
let timer = 0;
let events = null;

/** Reads the list again soon; many hints are one reading. */
export function stale() {
  if (waiting || !$(".queue")) return;
  const wait = Math.max(0, readAt + EACH_MS - Date.now());
  waiting = setTimeout(read, wait);
}

async function read() {
  waiting = 0;
  const aside = $(".queue");
  if (!aside) return;
  if (reading) return stale();
  reading = true;
  readAt = Date.now();
  try {
    const answer = await fetch(aside.dataset.rows, { credentials: "same-origin", headers: { "x-part": "rows" } });
    if (answer.redirected || !answer.ok) return;
    fresh = $(".queue", parse(await answer.text()));
    if (fresh) patch(fresh, false);
    found();
  } catch { /* The next hint or the clock tries again. */ } finally {
    reading = false;
  }
}

const id = (li) => li.querySelector(":scope > a")?.dataset.id;

function patch(now, withNew) {
  const list = $(".qlist");
  const old = new Map(all(".qlist li").map((li) => [id(li), li]));
  const held = withNew ? [] : heldBack(now, old);
  for (const li of held) li.remove();
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const anchor = $("a[aria-current]", list) ?? rows().find((a) => a.getBoundingClientRect().bottom > list.getBoundingClientRect().top);
  const before = anchor?.getBoundingClientRect().top;

  for (const li of all(".qlist li", now)) {
    const known = old.get(id(li));
    if (known) li.replaceWith(update(known, li));
  }
  for (const group of all(".qlist .qgroup", now)) {
    const next = group.nextElementSibling;
    if (next?.matches("ul") && !next.children.length && !held.length) { next.remove(); group.remove(); }
  }
  list.replaceChildren(...$(".qlist", now).childNodes);
  if (anchor?.isConnected) list.scrollTop += anchor.getBoundingClientRect().top - before;
  if (focused?.isConnected) focused.focus({ preventScroll: true });

  for (const part of [".seg", ".qfoot", ".qnow"]) {
    const [was, is] = [$(`.queue ${part}`), $(part, now)];
    if (was && is && !was.contains(document.activeElement) && was.innerHTML !== is.innerHTML) was.replaceChildren(...is.childNodes);
  }
  for (const name of ["late", "waiting"]) $(".queue").dataset[name] = now.dataset[name] ?? "";
  count(now.dataset.waiting ?? "");
  newLine(held.length);
  if (!current()) overview(now);
  moved();
  nameNext();
  lookAhead();
  tell("patched");
}

/** The number in the navigation, which no page may show differently. */
function count(words) {
  const link = $('.nav a[href="/queue"]');
  if (!link) return;
  const mark = $(".n", link);
  if (!words) mark?.remove();
  else if (mark) mark.textContent = words;
  else link.append(" ", make("span", { class: "n" }, words));
}

/** New cases above a row that somebody works on wait; below the last known one they disturb nobody. */
function heldBack(now, old) {
  if (!current()) return [];
  const list = all(".qlist li", now);
  const last = list.findLastIndex((li) => old.has(id(li)));
  return list.filter((li, at) => !old.has(id(li)) && at < last);
}

/** Keeps the element, so that focus and marks stay, and takes over what it says. */
function update(known, li) {
  const [a, now] = [known.querySelector(":scope > a"), li.querySelector(":scope > a")];
  if (a.dataset.rev !== now.dataset.rev) forget(a.dataset.id);
  a.dataset.rev = now.dataset.rev;
  a.href = now.href;
  const [box, fresh] = [known, li].map((item) => item.querySelector("input[name=pick]"));
  if (box && fresh) box.value = fresh.value;
  if (a.innerHTML !== now.innerHTML) a.replaceChildren(...now.childNodes);
  known.className = li.className;
  return known;
}

function newLine(n) {
  const line = $(".qnew");
  if (!line) return;
  line.hidden = n === 0;
  if (n) line.querySelector("span").textContent = `${n} new`;
}

export function showNew() {
  if (!fresh || $(".qnew")?.hidden !== false) return false;
  read().then(() => { if (fresh) patch(fresh, true); });
  return true;
}

/** The page without a case has words about the queue: they are read again too. */
async function overview(now) {
  if (now.dataset.overview === $(".queue").dataset.overview) return;
  $(".queue").dataset.overview = now.dataset.overview;
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    const main = $(".item", parse(await answer.text()));
    if (main && !current() && !$(".item").contains(document.activeElement)) $(".item").replaceWith(main);
  } catch { /* The list itself is right. */ }
}

/** Somebody did something to the case that is open: say so, and leave it to the reader. */
async function moved() {
  const here = current();
  if (!here || $(".moved", here)) return;
  const row = $(`.qlist a[data-id="${here.dataset.review}"]`);
  if (row && row.dataset.rev === here.dataset.rev) return;
  if (here.dataset.final) return;
  const answer = await fetch(`/reviews/${here.dataset.review}`, { credentials: "same-origin", headers: { "x-part": "case" } });
  if (!answer.ok || !here.isConnected) return;
  const now = $(".item", parse(await answer.text()));
  if (!now || now.dataset.rev === here.dataset.rev || $(".moved", here)) return;
  const words = now.dataset.moved || "This case has changed since you opened it.";
  const line = make("div", { class: "panel moved", role: "status" }, make("span", { class: "ic i-alert" }),
    make("h2", {}, words), make("p", {}, "What you see is how it was. What you typed is kept."),
    make("div", { class: "row" }, make("a", { class: "btn small", href: `/reviews/${here.dataset.review}`, "data-case": true }, "Show it as it is now")));
  $(".itop", here)?.after(line);
  say(words);
}

/** Hints by events; while they do not come, by the clock. */
export function start() {
  if (!$(".queue")) return;
  listen();
  clearInterval(timer);
  timer = setInterval(() => {
    const age = Date.now() - readAt;
    if (document.hidden) return;
    if (age > TIMES_MS || (events?.readyState !== EventSource.OPEN && age > WITHOUT_EVENTS_MS)) stale();
  }, 5_000);
}

function listen() {
  events?.close();
  events = new EventSource("/events");
  events.addEventListener("queue", stale);
  events.addEventListener("open", () => { document.body.dataset.live = "yes"; });
  events.addEventListener("error", () => { document.body.dataset.live = "no"; });
}

readAt = Date.now();
document.addEventListener("visibilitychange", () => { if (!document.hidden) stale(); });
window.addEventListener("pagehide", () => events?.close());
window.addEventListener("pageshow", (event) => { if (event.persisted) start(); });
