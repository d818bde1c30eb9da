// Saves keystrokes on pages that work without it: keys, the next case already loaded, dialogs,
// live changes while editing. Every act stays the plain form that the server rendered.

const LETTERS = "tuesday-letters-off";
const pages = new Map(); // address → text of a case page that was fetched ahead
let busy = false;

const $ = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const say = (text) => { const line = $("#say"); if (line) line.textContent = text; };

// ---- Moving between cases ----------------------------------------------------------------------

function rows() {
  return all(".qlist li a");
}

function neighbour(step) {
  const list = rows();
  const at = list.findIndex((a) => a.hasAttribute("aria-current"));
  return at < 0 ? list[0] : list[at + step];
}

async function load(address) {
  const answer = await fetch(address, { headers: { accept: "text/html" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error("not a case");
  return answer.text();
}

/** Fetches the next two cases, so that moving on needs no waiting. */
function lookAhead() {
  const next = [neighbour(1), neighbour(2), neighbour(-1)].filter(Boolean).map((a) => a.href);
  for (const known of pages.keys()) if (!next.includes(known)) pages.delete(known);
  for (const address of next) {
    if (pages.has(address)) continue;
    pages.set(address, null);
    load(address).then((text) => pages.set(address, text), () => pages.delete(address));
  }
}

/** Puts the case of `text` in place of the one that is shown. Answers false when it cannot. */
function show(text, address, { list = false, push = true } = {}) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const from = fresh.querySelector(".review");
  const to = $(".review");
  if (!from || !to || !from.querySelector("#main")) return false;
  to.className = from.className;
  const scrolled = $(".qlist")?.scrollTop ?? 0;
  if (list) {
    to.replaceWith(from);
    const here = $(".qlist");
    if (here) here.scrollTop = scrolled;
  } else {
    for (const part of [".item", ".rail"]) {
      const [old, now] = [to.querySelector(part), from.querySelector(part)];
      if (old && now) old.replaceWith(now);
      else return false;
    }
    for (const a of rows()) {
      if (a.href === address) a.setAttribute("aria-current", "true");
      else a.removeAttribute("aria-current");
    }
  }
  const [bar, nowBar] = [$(".nav"), fresh.querySelector(".nav")];
  if (bar && nowBar) bar.replaceWith(nowBar);
  $(".toast")?.remove();
  const toast = fresh.querySelector(".toast");
  if (toast) document.body.append(toast);
  document.title = fresh.title;
  if (push) history.pushState({ review: true }, "", address);
  settle();
  return true;
}

/** What every newly drawn case gets. */
function settle() {
  const heading = $(".item h1");
  if (heading) {
    heading.setAttribute("tabindex", "-1");
    heading.focus({ preventScroll: true });
    say(heading.textContent);
  }
  $(".iscroll")?.scrollTo(0, 0);
  $(".qlist a[aria-current]")?.scrollIntoView({ block: "nearest" });
  for (const open of all("dialog[open]")) {
    open.close();
    open.showModal();
  }
  lookAhead();
  quietToast();
}

function quietToast() {
  const toast = $(".toast");
  if (toast) setTimeout(() => toast.remove(), 8000);
}

async function open(link) {
  if (!link || busy) return;
  const kept = pages.get(link.href);
  if (kept && show(kept, link.href)) return;
  busy = true;
  try {
    const text = await load(link.href);
    if (!show(text, link.href)) location.assign(link.href);
  } catch {
    location.assign(link.href);
  } finally {
    busy = false;
  }
}

// ---- Deciding ----------------------------------------------------------------------------------

/** Sends a form of the desk in the background and draws the answer, whatever it is. */
async function send(form, button) {
  if (busy) return;
  busy = true;
  const data = new URLSearchParams(new FormData(form));
  if (button?.name) data.append(button.name, button.value);
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, credentials: "same-origin" });
    const text = await answer.text();
    pages.clear();
    const address = answer.redirected ? answer.url : location.href;
    // A refusal has no address of its own: the page stays where it is and shows the panel.
    if (!show(text, address, { list: true, push: answer.redirected })) location.assign("/queue");
  } catch {
    say("No connection. Nothing was sent; your text is still here.");
    connectionLost();
  } finally {
    busy = false;
  }
}

function connectionLost() {
  if ($("#offline")) return;
  const line = document.createElement("p");
  line.id = "offline";
  line.className = "toast";
  line.textContent = "No connection. Nothing was sent; your text is still here. Try again.";
  document.body.append(line);
  setTimeout(() => line.remove(), 8000);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || !form.closest(".item")) return;
  event.preventDefault();
  send(form, event.submitter);
});

// ---- Dialogs -----------------------------------------------------------------------------------

function dialog(name) {
  const box = document.getElementById(name);
  if (!box) return false;
  if (!box.open) box.showModal();
  return true;
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("a, button");
  if (!link) return;
  if (link.dataset.dialog && dialog(link.dataset.dialog)) event.preventDefault();
  else if ("close" in link.dataset && link.closest("dialog")) {
    event.preventDefault();
    link.closest("dialog").close();
  } else if ("letters" in link.dataset) {
    localStorage.setItem(LETTERS, lettersOff() ? "" : "off");
    names();
  } else if (link.matches(".qlist li a, a[data-next]") && $(".item h1")) {
    event.preventDefault();
    const row = rows().find((a) => a.href === link.href);
    open(row ?? link);
  }
});

// ---- Keys --------------------------------------------------------------------------------------

const lettersOff = () => localStorage.getItem(LETTERS) === "off";
const names = () => { for (const b of all("[data-letters]")) b.textContent = lettersOff() ? "Turn letters on" : "Turn letters off"; };

function press(key) {
  const control = $(`.acts [data-key="${key}"]`);
  if (!control || control.disabled) return false;
  control.classList.add("acted");
  setTimeout(() => control.classList.remove("acted"), 160);
  control.click();
  return true;
}

const typing = (target) => target.closest?.("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.isComposing || event.metaKey || event.altKey) return;
  const form = $("#edit");
  if (event.ctrlKey) {
    if (key === "Enter" && form) {
      event.preventDefault();
      press("ctrl-enter");
    }
    return;
  }
  const box = $("dialog[open]");
  if (box && !typing(target) || box && target.type === "radio") {
    const option = /^[1-9]$/.test(key) ? box.querySelectorAll("input[type=radio]")[key - 1] : null;
    if (option) {
      event.preventDefault();
      option.checked = true;
      option.focus();
    }
    return;
  }
  if (box || lettersOff() || (typing(target) && target.type !== "radio" && target.type !== "checkbox")) return;
  if (act(key, event.repeat)) event.preventDefault();
});

/** Letters decide only on a case that is drawn, and never by a key that is held down. */
function act(key, held) {
  if (busy) return false;
  switch (key) {
    case "j": return go(1);
    case "k": return go(-1);
    case "/": return focus("#find");
    case "?": return dialog("keys");
    case "a": case "e": case "r": case "x": case "c":
      return !held && !$("#edit") && press(key);
    default:
      return /^[1-9]$/.test(key) && source(Number(key));
  }
}

function go(step) {
  const link = neighbour(step);
  if (!link || $("#edit")) return false;
  if ($(".item h1[tabindex]")) open(link);
  else location.assign(link.href);
  return true;
}

function focus(selector) {
  const found = $(selector) ?? $("input[type=search]");
  found?.focus();
  return Boolean(found);
}

function source(n) {
  const box = all(".source")[n - 1];
  if (!box) return false;
  box.open = !box.open;
  box.querySelector("summary").focus();
  return true;
}

// ---- Editing: changes shown while typing, text kept until it is sent ----------------------------

let typed = 0;
document.addEventListener("input", (event) => {
  const form = event.target.closest("#edit");
  if (!form) return;
  form.dataset.touched = "yes";
  clearTimeout(typed);
  typed = setTimeout(async () => {
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.dataset.preview, { method: "POST", body, credentials: "same-origin" });
      const box = $("#changes");
      if (answer.ok && box) box.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
    } catch { /* The next pause tries again; nothing is lost. */ }
  }, 600);
});

window.addEventListener("beforeunload", (event) => {
  if ($("#edit[data-touched]") && !busy) event.preventDefault();
});

window.addEventListener("popstate", () => location.reload());

// ---- Start -------------------------------------------------------------------------------------

names();
if ($(".qlist")) settle();
else quietToast();
