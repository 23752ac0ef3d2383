// Keys, as editing programs have them.

import { $, fill, h } from "./dom.js";
import * as stage from "./stage.js";

const player = stage.keys;

const KEYS = [
  ["Space", "Play or pause", [" "], () => player.toggle()],
  ["J", "Play backwards; again: faster", ["j"], () => player.shuttle(-1)],
  ["K", "Pause", ["k"], () => player.pause()],
  ["L", "Play; again: faster", ["l"], () => player.shuttle(1)],
  ["←", "One picture back", ["ArrowLeft"], () => player.step(-1)],
  ["→", "One picture on", ["ArrowRight"], () => player.step(1)],
  ["Home", "To the first picture", ["Home"], () => player.seek(0)],
  ["End", "To the last picture", ["End"], () => player.seek(player.duration)],
  ["↑", "Shot before", ["ArrowUp"], (move) => move(-1)],
  ["↓", "Next shot", ["ArrowDown"], (move) => move(1)],
  ["1 … 9", "Choose a take", [..."123456789"], (_, key) => stage.choose(Number(key) - 1)],
  ["P", "Pick the chosen take, or remove the pick", ["p"], () => stage.pickTake()],
  ["W", "Wipe the chosen take over the one chosen before", ["w"], () => stage.toggle("wipe")],
  ["F", "First frame, last frame against the stills; side by side", ["f"], () => stage.endsNext()],
  ["S", "Sound of the chosen take", ["s"], () => stage.toggleSound()],
];
const ANYWHERE = [["/", "Search"], ["Esc", "Back to the film"], ["?", "These keys"]];

/** Listen. `move(by)` opens another shot, `back()` leaves the open one. */
export function start(move, back) {
  fill($("keys"), [...KEYS, ...ANYWHERE].map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what))));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    const { key, target } = event;
    if (target.matches("input[type=search]")) {
      if (key === "Escape") { target.blur(); event.preventDefault(); }
      return;
    }
    if (key === "?") { $("help").showModal(); event.preventDefault(); return; }
    if (key === "/") { $("search").focus(); event.preventDefault(); return; }
    if (key === "Escape") { back(); return; }
    if (!stage.current()) return;
    const own = key.startsWith("Arrow") || key === "Home" || key === "End" ? "input[type=range]" : key === " " ? "button, summary, a" : null;
    if (own && target.matches(own)) return;
    const found = KEYS.find(([, , names]) => names.includes(key.length === 1 ? key.toLowerCase() : key));
    if (!found || (event.repeat && "123456789pwfs ".includes(key))) return;
    event.preventDefault();
    found[3](move, key);
  });
}
