// Which takes are shown: chips, each group joined by "or", the groups by "and"; and a search over all that is text.

import { $, fill, h } from "./dom.js";
import { board } from "./store.js";
import { STATES, counted } from "./words.js";

const chosen = new Set();
let text = "";
let listener = () => {};

const texts = new WeakMap();
function textOf(shot, take) {
  if (!texts.has(take)) {
    texts.set(take, [take.take, take.prompt, take.negative_prompt, take.model, shot.notes, ...take.tags].join("\n").toLowerCase());
  }
  return texts.get(take);
}

const LOOKS = { "to pick": "To pick", picked: "Picked", changed: "Changed", drift: "Drift" };

function* facts(shot, take) {
  yield `state:${take.state}`;
  yield `model:${take.model}`;
  for (const tag of take.tags) yield `tag:${tag}`;
  if (take.is_picked) yield "look:picked";
  else if (take.clip && shot.takes.filter((one) => one.clip).length > 1 && !shot.takes.some((one) => one.is_picked)) yield "look:to pick";
  if (take.is_changed) yield "look:changed";
  if (take.has_drifted) yield "look:drift";
}

function isShown(shot, take) {
  if (text && !text.split(/\s+/).every((word) => textOf(shot, take).includes(word))) return false;
  if (!chosen.size) return true;
  const own = new Set(facts(shot, take));
  const groups = grouped();
  return [...groups.values()].every((names) => names.some((name) => own.has(name)));
}

const kind = (name) => name.slice(0, name.indexOf(":"));
function grouped() {
  const groups = new Map();
  for (const name of chosen) groups.set(kind(name), [...(groups.get(kind(name)) ?? []), name]);
  return groups;
}

/** The takes of a shot that match. */
export const matching = (shot) => shot.takes.filter((take) => isShown(shot, take));

export const isActive = () => Boolean(text || chosen.size);

function label(name) {
  const value = name.slice(name.indexOf(":") + 1);
  return { state: STATES[value], look: LOOKS[value] }[kind(name)] ?? value;
}

/** Draw the chips for what occurs. */
export function draw() {
  const counts = new Map();
  for (const shot of board.shots.values()) {
    for (const take of shot.takes) for (const fact of facts(shot, take)) counts.set(fact, (counts.get(fact) ?? 0) + 1);
  }
  for (const name of chosen) if (!counts.has(name)) counts.set(name, 0);
  const rank = { look: 0, state: 1, tag: 2, model: 3 };
  const names = [...counts.keys()].sort((a, b) => rank[kind(a)] - rank[kind(b)] || (a < b ? -1 : 1));
  const groups = ["look", "state", "tag", "model"].map((group) => names.filter((name) => kind(name) === group));
  const spoken = { look: "Choice", state: "State", tag: "Tag", model: "Model" };
  fill($("chips"), groups.filter((group) => group.length > 1 || kind(group[0] ?? "look:") !== "model").filter((group) => group.length).map((group) =>
    h("div.group", { role: "group", "aria-label": spoken[kind(group[0])] }, group.map((name) =>
      h(`button.chip.${kind(name)}`, { type: "button", "aria-pressed": String(chosen.has(name)), "data-chip": name, dir: "auto" },
        label(name), h("b", {}, String(counts.get(name))))))));
}

export function tell(shownTakes, allTakes, shownShots) {
  $("count").textContent = isActive()
    ? `${shownTakes.toLocaleString("en")} of ${counted(allTakes, "take")}`
    : `${counted(shownShots, "shot")}, ${counted(allTakes, "take")}`;
}

export function clear() {
  chosen.clear();
  text = $("search").value = "";
  draw();
  listener();
}

/** Watch chips and search field; `changed()` is called after each change. */
export function start(changed) {
  listener = changed;
  $("chips").addEventListener("click", (event) => {
    const name = event.target.closest("[data-chip]")?.dataset.chip;
    if (!name) return;
    chosen.delete(name) || chosen.add(name);
    draw();
    $("chips").querySelector(`[data-chip="${CSS.escape(name)}"]`)?.focus();
    listener();
  });
  $("search").addEventListener("input", () => { text = $("search").value.trim().toLowerCase(); listener(); });
  $("clear").addEventListener("click", () => { clear(); $("search").focus(); });
}
