// Elements from values. Text is always set as text: nothing of a manifest is ever read as HTML.

export const $ = (id) => document.getElementById(id);

/** An element: `h("button.pick", {type: "button", onclick}, "Pick")`. */
export function h(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Replace the children only when they would differ, so that focus and screen readers stay undisturbed. */
export function fill(element, ...children) {
  const fresh = h("div", {}, ...children);
  if (fresh.innerHTML !== element.innerHTML) element.replaceChildren(...fresh.childNodes);
}

/** A word for a screen reader, once. */
export function say(text) {
  const news = $("news");
  news.textContent = "";
  requestAnimationFrame(() => { news.textContent = text; });
}
