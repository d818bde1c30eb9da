// Decisions: drawn at once, sent in the background, checked for conflicts by the server. What is
// refused comes back as a notice with everything that was typed; nothing is sent twice unseen.

import { $, all, clock, make, parse, plural, say, tell } from "./dom.js";
import { draw, forget, isMoving, neighbour, open, reviewId, show } from "./desk.js";
import { dropDraft } from "./drafts.js";

/** Decisions without an answer yet, and those that wait for the network. */
const flying = new Set();
const held = [];
let offlineSince = null;
let lastDecision = 0;

export const unsent = () => flying.size + held.length;
/** Two decisions in the same instant are one finger too many: nobody has seen the second case. */
export const justDecided = () => performance.now() - lastDecision < 250;

async function post(form) {
  return fetch(form.action, {
    method: "POST",
    body: form.body,
    headers: { "x-console": "script" },
    credentials: "same-origin",
    keepalive: form.body.toString().length < 60_000,
  });
}

const fields = (form, button) => {
  const data = new URLSearchParams(new FormData(form));
  if (button?.name) data.append(button.name, button.value);
  return data;
};

/** A form of the desk. Those with `data-next` decide the case, the others change it and stay. */
export function submit(form, button) {
  if (isMoving()) return;
  const what = {
    action: button?.formAction && button.hasAttribute("formaction") ? button.formAction : form.action,
    body: fields(form, button),
    id: reviewId(),
    subject: $(".item h1")?.textContent ?? "",
    here: location.href,
  };
  if ("next" in form.dataset) decide(what);
  else stay(what);
}

/** Goes on at once; the answer is dealt with when it comes. */
function decide(what) {
  lastDecision = performance.now();
  const next = neighbour(1) ?? neighbour(-1);
  const row = $(`.qlist a[data-id="${what.id}"]`);
  what.row = row?.closest("li");
  for (const box of all("dialog[open]")) box.close();
  if (what.row) what.row.hidden = true;
  if (next && next !== row) open(next);
  else quiet();
  what.row?.remove();
  background(what);
}

/** Nothing is left in this list: the page says so while the answer is on its way. */
async function quiet() {
  const address = `/queue${location.search}`;
  try {
    const answer = await fetch(address, { credentials: "same-origin" });
    if (!show(parse(await answer.text()), address)) location.assign(address);
  } catch {
    say("No connection.");
  }
}

async function background(what) {
  flying.add(what);
  let answer;
  try {
    answer = await post(what);
  } catch {
    flying.delete(what);
    hold(what);
    return;
  }
  flying.delete(what);
  forget(what.id);
  await answered(what, answer);
  tell("stale");
}

async function answered(what, answer) {
  if (answer.redirected || answer.status === 401) {
    refused(what, "You are signed out", "Sign in again; nothing was decided.", null);
    return;
  }
  if (answer.ok) {
    dropDraft(what.id);
    toast(await answer.json());
    return;
  }
  const text = await answer.text();
  const page = parse(text);
  const panel = $(".panel[role=alert]", page);
  // The same decision sent twice after a lost answer: it counted the first time.
  if (what.again && panel?.dataset.winner === document.body.dataset.person) return;
  refused(what, panel?.querySelector("h2")?.textContent ?? "That was not possible", panel, text);
}

/** Says what was not used, beside the case that is open now, and takes nothing away from it. */
function refused(what, title, words, text) {
  const lines = typeof words === "string" ? [make("p", {}, words)]
    : [...(words?.querySelectorAll(":scope > p, :scope > details") ?? [])].map((n) => document.importNode(n, true));
  const show = make("button", { class: "btn small", type: "button" }, "Show that case");
  const drop = make("button", { class: "btn small quiet", type: "button" }, "Dismiss");
  const tone = words?.classList?.contains("bad") ? "bad" : "warn";
  const box = make("div", { class: `panel ${tone} late-answer`, role: "alert", "data-about": what.id ?? "" },
    make("span", { class: "ic" }), make("h2", {}, title), make("p", { class: "b" }, what.subject), ...lines,
    make("div", { class: "row" }, show, drop));
  drop.addEventListener("click", () => box.remove());
  show.addEventListener("click", () => {
    box.remove();
    if (text) draw(text, what.here, { push: true });
    else location.assign(what.here);
  });
  // Kept outside the case, so that opening the next one does not take the words away.
  $("#notices").append(box);
}

// ---- Forms that stay on the case -----------------------------------------------------------------

async function stay(what) {
  const button = document.activeElement;
  button?.setAttribute?.("aria-busy", "true");
  try {
    const answer = await post(what);
    if (answer.redirected && new URL(answer.url).pathname.startsWith("/sign-in")) {
      location.assign(answer.url);
      return;
    }
    if (!answer.ok) {
      draw(await answer.text(), location.href);
      $(".item [aria-invalid=true], .item .panel[role=alert]")?.scrollIntoView({ block: "nearest" });
      $(".item [aria-invalid=true]")?.focus();
      return;
    }
    const told = await answer.json();
    forget(what.id);
    if (told.decided) {
      dropDraft(what.id);
      what.row = $(`.qlist a[data-id="${what.id}"]`)?.closest("li");
      const next = neighbour(1) ?? neighbour(-1);
      if (next && next.dataset.id !== what.id) await open(next);
      else await quiet();
      what.row?.remove();
    } else {
      const row = $(`.qlist a[data-id="${what.id}"]`) ?? { href: told.next ? new URL(told.next, location).href : location.href };
      await open({ href: row.href }, { push: location.href !== row.href });
    }
    toast(told);
    tell("stale");
  } catch {
    lost();
    say("No connection. Nothing was sent; your text is still here.");
  } finally {
    button?.removeAttribute?.("aria-busy");
  }
}

// ---- What was done, and taking it back -------------------------------------------------------------

let fading = 0;
/** One line about the last act; with a window to take it back, counted in words. */
export function toast(told) {
  all(".toast").forEach((old) => old.remove());
  clearInterval(fading);
  const left = make("span", { class: "dim" });
  const line = make("div", { class: "toast", role: "status" }, make("span", {}, told.told), left);
  if (told.undo) {
    const form = make("form", { method: "post", action: told.undo.action, "data-undo": true },
      make("input", { type: "hidden", name: "csrf", value: document.body.dataset.csrf }),
      make("input", { type: "hidden", name: "revision", value: told.undo.revision }),
      make("button", { class: "btn small", "data-key": "u" }, "Undo ", make("kbd", {}, "U")));
    line.append(form);
  }
  document.body.append(line);
  watchToast(line, left, told.undo ? Date.now() + told.undo.ms_left : Date.now() + 8_000, Boolean(told.undo));
}

function watchToast(line, left, until, undo) {
  const step = () => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    if (!line.isConnected) clearInterval(fading);
    else if (seconds <= 0) {
      clearInterval(fading);
      // A pointer or the focus on it means that somebody is reading.
      if (line.matches(":hover, :focus-within")) line.querySelector("form")?.remove();
      else line.remove();
    } else if (undo) left.textContent = seconds > 90 ? `Sent in ${Math.round(seconds / 60)} min` : `Sent in ${seconds} s`;
  };
  step();
  fading = setInterval(step, 1_000);
}

export async function undo(form) {
  const body = fields(form);
  try {
    const answer = await post({ action: form.action, body });
    if (answer.ok) {
      const told = await answer.json();
      form.closest(".toast")?.remove();
      forget();
      await open({ href: new URL(told.next, location).href });
      toast(told);
      tell("stale");
    } else {
      const panel = $(".panel[role=alert], .void", parse(await answer.text()));
      refused({ subject: "", here: form.action.replace(/\/recall.*/, ""), id: "" }, "It is too late to take that back", panel, null);
    }
  } catch {
    lost();
  }
}

// ---- Without a network -----------------------------------------------------------------------------

function hold(what) {
  what.again = true;
  held.push(what);
  lost();
  setTimeout(again, 4_000);
}

function lost() {
  offlineSince ??= clock();
  const box = $("#offline") ?? make("div", { id: "offline", class: "panel warn", role: "alert" });
  const words = held.length
    ? `${plural(held.length, "decision")} held in this tab and not sent yet. Keep it open. They are checked for conflicts before they count.`
    : "Nothing was sent; your text is still here.";
  box.replaceChildren(make("span", { class: "ic" }), make("h2", {}, `No connection since ${offlineSince}`), make("p", {}, words));
  $("#notices").append(box);
}

async function again() {
  const what = held[0];
  if (!what) return;
  try {
    const answer = await post(what);
    held.shift();
    await answered(what, answer);
    tell("stale");
    if (held.length) {
      lost();
      again();
    } else found();
  } catch {
    setTimeout(again, 4_000);
  }
}

/** The line is back. */
export function found() {
  if (held.length) return;
  offlineSince = null;
  $("#offline")?.remove();
}

window.addEventListener("online", again);
window.addEventListener("beforeunload", (event) => {
  if (unsent()) event.preventDefault();
});
