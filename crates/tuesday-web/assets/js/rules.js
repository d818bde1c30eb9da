// The rules page: while somebody types, the server says what the table would do, and each fault
// stands at the cell it is about. Nothing is kept.

import { $, all, make, parse } from "./dom.js";

const PAUSE_MS = 300;
let pause = 0;
let asked = 0;

const form = () => $("form[data-judge]");

async function judge(f) {
  const turn = ++asked;
  try {
    const body = new URLSearchParams(new FormData(f));
    body.delete("text");
    const answer = await fetch(f.dataset.judge, { method: "POST", body, credentials: "same-origin" });
    if (!answer.ok || turn !== asked) return;
    const now = $("#judged", parse(await answer.text()));
    if (!now) return;
    $("#judged").replaceWith(document.importNode(now, true));
    marks(f);
    document.body.dataset.judged = String(turn);
  } catch { /* The next pause asks again; saving judges in any case. */ }
}

function marks(f) {
  all(".live", f).forEach((old) => old.remove());
  for (const cell of all(".cell[aria-invalid]", f)) cell.removeAttribute("aria-invalid");
  for (const rule of all(".rule", f)) rule.classList.remove("at-fault");
  for (const found of all("#judged li[data-row]")) {
    const rule = document.getElementById(`rule-${found.dataset.row}`);
    if (!rule || found.dataset.tone === "plain") continue;
    const words = $("[data-words]", found).textContent;
    const line = make("p", { class: `live small st ${found.dataset.tone}` }, words);
    $(".says", rule).after(line);
    const cell = f.elements.namedItem(`cell.${found.dataset.row}.${found.dataset.column}`);
    if (found.dataset.tone === "bad") {
      rule.classList.add("at-fault");
      cell?.setAttribute("aria-invalid", "true");
    }
  }
}

document.addEventListener("input", (event) => {
  const f = form();
  if (!f?.contains(event.target) || !event.target.matches(".cell")) return;
  clearTimeout(pause);
  pause = setTimeout(() => judge(f), PAUSE_MS);
});

// A chosen file is read here and sent as text, so that it can be looked at and changed before.
document.addEventListener("change", async (event) => {
  const into = document.getElementById(event.target.dataset?.into ?? "");
  const file = event.target.files?.[0];
  if (into && file) into.value = await file.text();
});
