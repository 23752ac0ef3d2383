// The film: one frame a shot, in film order. A light table while no shot is open, a strip beneath the open one.

import { $, fill, h } from "./dom.js";
import { board } from "./store.js";
import { matching } from "./filter.js";
import { counted, tone, trouble } from "./words.js";

const frames = new Map();

/** The take that stands for the shot: the picked one, else the first with a clip. */
const face = (shot) => shot.takes.find((take) => take.is_picked && take.clip) ?? shot.takes.find((take) => take.clip) ?? shot.takes[0];

function spoken(shot) {
  const picked = shot.takes.find((take) => take.is_picked);
  const clips = shot.takes.filter((take) => take.clip).length;
  const failed = shot.takes.filter((take) => tone(take) === "bad").length;
  const drifting = shot.takes.filter((take) => take.has_drifted).length;
  return [`${shot.shot}: ${counted(shot.takes.length, "take")}`, counted(clips, "clip"), failed && `${failed} failed`,
    drifting && `${drifting} with drift`, shot.cut?.has_drifted && `its cut to ${shot.cut.to_shot} shows another picture`, picked && `${picked.cell} picked`].filter(Boolean).join(", ");
}

function frame(shot) {
  const take = face(shot);
  const still = take.stills.find((one) => one.picture);
  const source = take.clip ? `/poster/${take.clip.sha256}` : still ? `/media/${still.picture}` : null;
  const button = h("button.frame", { class: shot.cut?.has_drifted ? "frame torn" : "frame", type: "button", "data-shot": shot.shot, "aria-label": spoken(shot) },
    h("span.picture", {},
      source ? h("img", { src: source, alt: "", loading: "lazy", decoding: "async", class: take.clip ? null : "still" }) : h("span.blank", { "aria-hidden": "true" }, trouble(take)),
      shot.takes.some((one) => one.is_picked) ? h("span.tick", { "aria-hidden": "true" }, "✓") : null),
    h("span.name", { dir: "auto" }, shot.shot),
    h("span.marks", { "aria-hidden": "true" }, shot.takes.slice(0, 24).map((one) => h(`i.${tone(one)}`, { class: one.is_picked ? `${tone(one)} picked` : tone(one) }))));
  return button;
}

/** Draw frames: all of them, or those of the shots that have changed. */
export function draw({ changed, isReordered }) {
  const list = $("film");
  for (const name of changed) {
    const item = frames.get(name);
    const shot = board.shots.get(name);
    if (item && shot) {
      const hadFocus = item.contains(document.activeElement);
      item.replaceChildren(frame(shot));
      if (hadFocus) item.firstChild.focus({ preventScroll: true });
    }
  }
  if (isReordered) {
    for (const name of [...frames.keys()]) if (!board.shots.has(name)) frames.delete(name);
    for (const name of board.order) if (!frames.has(name)) frames.set(name, h("li", {}, frame(board.shots.get(name))));
    list.replaceChildren(...board.order.map((name) => frames.get(name)));
  }
}

/** Hide what does not match. The shots that are left. */
export function narrow() {
  const left = [];
  let takes = 0;
  for (const name of board.order) {
    const count = matching(board.shots.get(name)).length;
    frames.get(name).hidden = !count;
    if (count) left.push(name);
    takes += count;
  }
  $("empty").hidden = left.length > 0 || !board.order.length;
  return { left, takes };
}

/** Mark the open shot and bring it into view. */
export function open(name) {
  for (const button of $("film").querySelectorAll("[aria-current]")) button.removeAttribute("aria-current");
  const item = frames.get(name);
  if (!item) return;
  item.firstChild.setAttribute("aria-current", "true");
  item.scrollIntoView({ block: "nearest", inline: "center", behavior: "instant" });
}

export const focus = (name) => frames.get(name)?.firstChild.focus();
