// Moving between cases: the next ones are fetched and parsed ahead, so that moving on needs no waiting.

import { $, all, make, parse, say, tell } from "./dom.js";

/** Address → a parsed case, or null while it is on its way. A case is used once. */
const ahead = new Map();
const KEPT = 6;
let moving = false;
let drawnAt = 0;

export const rows = () => all(".qlist li > a");
export const current = () => $(".item[data-review]");
export const reviewId = () => current()?.dataset.review ?? null;
/** Rule: a key decides only about a case that is drawn, and that somebody can have seen. */
export const ready = () => Boolean(current()) && !moving && performance.now() - drawnAt > 200;
export const isMoving = () => moving;

/** The row `step` places from the one that is open; the first one when none is. */
export function neighbour(step) {
  const list = rows();
  const at = list.findIndex((a) => a.hasAttribute("aria-current"));
  return at < 0 ? list[0] : list[at + step];
}

async function load(address) {
  const answer = await fetch(address, { headers: { "x-part": "case" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error("not a case");
  return parse(await answer.text());
}

/** Fetches the two next cases and the one before. */
export function lookAhead() {
  const wanted = [neighbour(1), neighbour(2), neighbour(-1)].filter(Boolean).map((a) => a.href);
  for (const known of [...ahead.keys()].slice(0, Math.max(0, ahead.size - KEPT))) {
    if (!wanted.includes(known)) ahead.delete(known);
  }
  for (const address of wanted) {
    if (ahead.has(address)) continue;
    ahead.set(address, null);
    load(address).then(
      (page) => { if (ahead.has(address)) ahead.set(address, page); },
      () => ahead.delete(address),
    );
  }
}

/** A case changed on the server: what was fetched ahead of it is not true any more. */
export function forget(id) {
  for (const address of ahead.keys()) if (!id || address.includes(id)) ahead.delete(address);
}

/** Puts the case of `page` in place of what is shown. Answers false when it has none. */
export function show(page, address, { push = true } = {}) {
  const desk = $(".review");
  const [item, rail] = [$(".item", page), $(".rail", page)];
  if (!desk || !item) return false;
  desk.classList.toggle("empty", !rail);
  $(".item", desk).replaceWith(item);
  $(".rail", desk)?.remove();
  if (rail) desk.append(rail);
  for (const a of rows()) {
    if (a.dataset.id === item.dataset.review) a.setAttribute("aria-current", "true");
    else a.removeAttribute("aria-current");
  }
  document.title = item.dataset.title ?? (page.title || document.title);
  if (push) history.pushState({ review: true }, "", address);
  settle();
  return true;
}

/** What every newly drawn case gets: the focus at its heading, the next case's name, its neighbours ahead. */
export function settle() {
  drawnAt = performance.now();
  const heading = $(".item h1");
  if (heading && current()) {
    heading.setAttribute("tabindex", "-1");
    heading.focus({ preventScroll: true });
    say(heading.textContent);
  }
  $(".iscroll")?.scrollTo(0, 0);
  for (const plain of all("[data-noscript]")) plain.hidden = true;
  if (matchMedia("(max-width: 760px)").matches && current()) current().scrollIntoView({ block: "start" });
  $(".qlist a[aria-current]")?.scrollIntoView({ block: "nearest" });
  nameNext();
  for (const open of all("dialog[open]")) {
    open.close();
    open.showModal();
  }
  tell("drawn");
  lookAhead();
}

/** The bar says which case comes next; a case fetched ahead cannot know. */
export function nameNext() {
  const place = $(".acts [data-next-case]");
  if (!place) return;
  const next = neighbour(1) ?? neighbour(-1);
  place.replaceChildren(...(next && !next.hasAttribute("aria-current")
    ? [make("a", { class: "dim clip small", href: next.href, "data-next": true }, `Next: ${next.querySelector("b").textContent}`)]
    : []));
}

/** Opens the case behind a row, from what was fetched ahead where that is there. */
export async function open(link, { push = true } = {}) {
  if (!link || moving) return;
  const kept = ahead.get(link.href);
  ahead.delete(link.href);
  if (kept && show(kept, link.href, { push })) return;
  moving = true;
  try {
    const page = await load(link.href);
    if (!show(page, link.href, { push })) location.assign(link.href);
  } catch {
    location.assign(link.href);
  } finally {
    moving = false;
  }
}

/** Draws a whole page that the server answered a form with: refusals and editors. */
export function draw(text, address, { push = false } = {}) {
  if (!show(parse(text), address, { push })) location.assign("/queue");
}

window.addEventListener("popstate", () => location.reload());
