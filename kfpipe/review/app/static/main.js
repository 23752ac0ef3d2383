// The page: what is open, and who tells whom.

import { $, fill, h, say } from "./dom.js";
import * as film from "./film.js";
import * as filter from "./filter.js";
import * as keys from "./keys.js";
import * as stage from "./stage.js";
import * as store from "./store.js";
import { counted } from "./words.js";

const { board } = store;
let left = [];

function money() {
  const { currency, spent, under_way, estimate, unpriced, cap } = board.money;
  const amount = (text) => h("dd", {}, h("small", {}, `${currency} `), text);
  const fact = (term, value, more = {}) => h("div", more, h("dt", {}, term), value);
  fill($("money"), fact("So far", amount(spent)), fact("Under way", amount(under_way)),
    fact("Next run", unpriced ? h("dd", {}, `${estimate} + ${unpriced} unpriced`) : amount(estimate)),
    cap === null ? "" : fact("Cap", amount(cap)));
}

function banner() {
  $("banner").hidden = !board.problems.length;
  $("banner").className = board.isStale ? "banner" : "banner mark";
  fill($("banner"), board.isStale ? h("b", {}, "Something is wrong now; this is the last good state.") : "", h("ul", {}, board.problems.map((line) => h("li", { dir: "auto" }, line))));
}

function live(isReached, text) {
  const told = isReached ? (board.running ? "A run is on" : "Live") : text === "closed" ? "Closed: run kfpipe review again" : "kfpipe review does not answer";
  $("live").className = `live ${isReached ? (board.running ? "running" : "on") : "off"}`;
  if ($("live-text").textContent !== told) $("live-text").textContent = told;
}

function narrow() {
  const found = film.narrow();
  left = found.left;
  filter.tell(found.takes, [...board.shots.values()].reduce((sum, shot) => sum + shot.takes.length, 0), board.order.length);
}

function open(name, isHistory = true) {
  stage.open(name);
  film.open(name);
  if (isHistory) history.replaceState(null, "", `#${encodeURIComponent(name)}`);
}

function back() {
  const name = stage.current();
  if (!name) return;
  stage.close();
  film.open(null);
  history.replaceState(null, "", "/");
  film.focus(name);
}

function move(by) {
  const at = left.indexOf(stage.current());
  const next = left[at < 0 ? 0 : Math.max(0, Math.min(left.length - 1, at + by))];
  if (next !== undefined && next !== stage.current()) open(next);
}

let isFirst = true;
store.onChange((news) => {
  document.title = `${board.title}: review`;
  $("title").textContent = board.title;
  money();
  banner();
  filter.draw();
  film.draw(news);
  narrow();
  live(true);
  const shown = stage.current();
  if (shown && !board.shots.has(shown)) back();
  else if (shown && news.changed.has(shown)) { stage.draw(); film.open(shown); }
  if (!isFirst && news.changed.size) say(`${counted(news.changed.size, "shot")} changed`);
  isFirst = false;
});

filter.start(() => { narrow(); if (stage.current()) stage.draw(); });
stage.start({ onClose: back, onMove: move });
keys.start(move, back);
$("film").addEventListener("click", (event) => {
  const name = event.target.closest("[data-shot]")?.dataset.shot;
  if (name !== undefined) open(name);
});
$("keys-open").addEventListener("click", () => $("help").showModal());

try {
  await store.refresh();
  const asked = decodeURIComponent(location.hash.slice(1));
  if (board.shots.has(asked)) open(asked);
} catch (error) {
  live(false, error.message);
}
store.follow(live);
