// What all parts of the console's script share: finding things, saying things, remembering things.

export const $ = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** An element with attributes and children, because markup is never built from text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Says a line to people who do not see the page. */
export function say(text) {
  const line = $("#say");
  if (line) line.textContent = text;
}

export const parse = (text) => new DOMParser().parseFromString(text, "text/html");

/** Memory of this browser; a browser that forbids it only forgets. */
export const memory = {
  get(name) {
    try { return localStorage.getItem(name); } catch { return null; }
  },
  set(name, value) {
    try { localStorage.setItem(name, value); } catch { /* Nothing depends on it. */ }
  },
  drop(name) {
    try { localStorage.removeItem(name); } catch { /* Nothing depends on it. */ }
  },
  names() {
    try { return Object.keys(localStorage); } catch { return []; }
  },
};

/** Tells the other parts that something happened. */
export const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`console:${name}`, { detail }));
export const on = (name, act) => document.addEventListener(`console:${name}`, (event) => act(event.detail));

/** Whether letters belong to what is focused. */
export function typing(target) {
  const field = target?.closest?.("input, textarea, select, [contenteditable]");
  return Boolean(field) && !["radio", "checkbox", "button", "submit"].includes(field.type);
}

/** The clock on this wall, to the minute. */
export const clock = (at = new Date()) => at.toTimeString().slice(0, 5);

export const plural = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;
