// The open shot: its takes side by side, one wiped over the other, or each against its stills; and what is known of them.

import { $, fill, h, say } from "./dom.js";
import { board, pick } from "./store.js";
import { matching } from "./filter.js";
import { Player } from "./player.js";
import { ACTIONS, ROLES, counted, lasting, standing, tone, trouble } from "./words.js";

const ON_STAGE = 9; // so many videos there are at most
const LEGIBLE = 210; // px of width that a model's heading takes
const MODES = { side: "Side by side", wipe: "Wipe", first: "First frame", last: "Last frame" };

let shot = null;
let cells = []; // {take, figure, video}
let page = 0;
let active = 0;
let other = 1;
let mode = "side";
let isAll = false;
let isLoud = false;
let closed = () => {};
const parts = {};
const player = new Player(tick);

/** Build the stage once. `onClose()` leads back, `onMove(by)` to the next shot or the one before. */
export function start({ onClose, onMove }) {
  closed = onClose;
  const button = (label, text, onclick, more = {}) => h("button", { type: "button", "aria-label": label, title: label, onclick, ...more }, text);
  parts.name = h("h2", { dir: "auto", tabindex: "-1" });
  parts.place = h("p.place", {});
  parts.refused = h("p.refused", { dir: "auto" });
  parts.grid = h("div.takes", {});
  parts.modes = h("div.modes", { role: "group", "aria-label": "View" },
    Object.entries(MODES).map(([name, text]) => h("button", { type: "button", "data-mode": name, "aria-pressed": "false", onclick: () => show(name) }, text)));
  parts.play = button("Play", "▶", () => player.toggle());
  parts.loud = button("Sound of the chosen take", "Sound", toggleSound, { "aria-pressed": "false" });
  parts.scrub = h("input.scrub", { type: "range", min: "0", max: "1000", value: "0", step: "1", "aria-label": "Position in the clip", oninput: () => player.seek((parts.scrub.value / 1000) * player.duration) });
  parts.time = h("output.time", {});
  parts.wipe = h("input.wiper", { type: "range", min: "0", max: "100", value: "50", step: "1", "aria-label": "Where one picture ends and the other begins, in per cent", oninput: () => wipeTo(Number(parts.wipe.value)) });
  parts.wiping = h("label.wiping", {}, h("span.ends", {}), parts.wipe);
  parts.pages = h("p.pages", {});
  parts.notes = h("aside.notes", { "aria-label": "About the take" });
  $("stage").append(
    h("header.top", {}, button("Back to the whole film", "‹ Film", () => closed()), parts.name, parts.place,
      h("span.moves", {}, button("Shot before", "↑", () => onMove(-1)), button("Next shot", "↓", () => onMove(1))), parts.refused, parts.modes),
    h("div.show", {}, parts.grid,
      parts.transport = h("div.transport", {}, button("One picture back", "‹", () => player.step(-1)), parts.play, button("One picture on", "›", () => player.step(1)), parts.scrub, parts.time, parts.loud),
      parts.wiping, parts.pages),
    parts.notes);
  new ResizeObserver(fit).observe(parts.grid);
  parts.grid.addEventListener("pointermove", (event) => {
    if (mode === "side" || (event.pointerType !== "mouse" && !event.buttons)) return;
    const box = event.target.closest(".screen")?.getBoundingClientRect();
    if (box) wipeTo(Math.max(0, Math.min(100, ((event.clientX - box.left) / box.width) * 100)));
  });
}

/** Give each take as much room as there is, in its own shape. */
function fit() {
  if (!cells.length) return;
  const count = mode === "wipe" ? 1 : cells.length;
  const shapes = cells.filter((cell) => cell.take.clip).map(({ take }) => take.clip.width_px / take.clip.height_px);
  const ratio = shapes.length ? Math.max(...shapes) : 16 / 9;
  const { clientWidth, clientHeight } = parts.grid;
  const isTall = matchMedia("(max-width: 48rem)").matches;
  const [width, height] = [clientWidth - 8, isTall ? Infinity : clientHeight - 8];
  const [gap, caption] = [14, isByModel() ? 116 : 36];
  let best = { columns: 1, size: 0 };
  for (let columns = 1; columns <= (isTall ? 1 : count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const size = Math.min((width - gap * (columns - 1)) / columns, ((height - gap * (rows - 1)) / rows - caption) * ratio);
    if (size > best.size) best = { columns, size };
  }
  if (isByModel() && !isTall && best.size < LEGIBLE) { // what the headings say has to be read; the rest is scrolled to
    const columns = Math.max(1, Math.floor((width + gap) / (LEGIBLE + gap)));
    best = { columns, size: (width - gap * (columns - 1)) / columns };
  }
  parts.grid.style.setProperty("--columns", best.columns);
  parts.grid.style.setProperty("--width", `${Math.max(120, Math.floor(best.size))}px`);
  parts.grid.style.setProperty("--ratio", String(ratio));
}

export const current = () => shot;
export const keys = player;

/** Open a shot; its takes come on stage. */
export function open(name) {
  const isSame = shot === name;
  shot = name;
  if (!isSame) { page = 0; active = preferred(); other = active ? 0 : 1; isAll = false; }
  $("stage").hidden = false;
  document.body.classList.add("is-open");
  draw();
  if (!isSame) parts.name.focus({ preventScroll: true });
}

function preferred() {
  const takes = shownTakes();
  return Math.max(0, takes.findIndex((take) => take.is_picked && take.clip));
}

/** Leave the shot: its videos are let go. */
export function close() {
  player.use([]);
  letGo();
  shot = null;
  $("stage").hidden = true;
  document.body.classList.remove("is-open");
}

function shownTakes() {
  const one = board.shots.get(shot);
  const fits = matching(one);
  return grouped(one, isAll || !fits.length ? one.takes : fits);
}

/** The takes with those of a model together, where there are several models. */
function grouped(one, takes) {
  const rank = new Map(one.models.map((group, n) => [group.model, n]));
  return rank.size ? [...takes].sort((a, b) => rank.get(a.model) - rank.get(b.model)) : takes;
}

function letGo() {
  for (const { video } of cells) if (video) { video.removeAttribute("src"); video.load(); video.remove(); }
  cells = [];
  parts.grid.replaceChildren();
}

/** Show the shot as it is on the board now; clips that are the same go on playing. */
export function draw() {
  const takes = shownTakes();
  page = Math.min(page, Math.floor((takes.length - 1) / ON_STAGE));
  const here = takes.slice(page * ON_STAGE, (page + 1) * ON_STAGE);
  const isSame = here.length === cells.length && here.every((take, n) => take.take === cells[n].take.take && take.clip?.sha256 === cells[n].take.clip?.sha256);
  if (!isSame) stageTakes(here);
  cells.forEach((cell, n) => { cell.take = here[n]; });
  active = Math.min(active, cells.length - 1);
  if (other >= cells.length || other === active) other = cells.findIndex((cell, n) => n !== active && cell.video);
  if (parts.name.textContent !== shot) parts.refused.textContent = "";
  parts.name.textContent = shot;
  parts.place.textContent = `${board.order.indexOf(shot) + 1} of ${board.order.length}`;
  const all = board.shots.get(shot).takes.length;
  fill(parts.pages,
    takes.length > ON_STAGE ? h("button", { type: "button", "data-page": (page + 1) % Math.ceil(takes.length / ON_STAGE) }, `Takes ${page * ON_STAGE + 1} to ${page * ON_STAGE + here.length} of ${takes.length}: show the next`) : "",
    takes.length < all ? h("button", { type: "button", "data-all": true }, `${takes.length} of ${counted(all, "take")} match: show all`) : "");
  parts.pages.onclick = (event) => {
    const { page: to, all: whole } = event.target.dataset;
    if (to !== undefined) page = Number(to);
    if (whole !== undefined) isAll = true;
    if (to !== undefined || whole !== undefined) draw();
  };
  show(cells.filter((cell) => cell.video).length < 2 && mode === "wipe" ? "side" : mode);
}

function stageTakes(takes) {
  const time = player.time;
  player.use([]);
  letGo();
  cells = takes.map((take, n) => {
    const video = take.clip ? h("video", { src: `/media/${take.clip.sha256}`, muted: true, playsinline: true, preload: "auto", tabindex: "-1", "aria-label": `Clip of ${take.take}`, width: take.clip.width_px, height: take.clip.height_px }) : null;
    const cell = { take, video };
    if (video) { video.muted = true; video.addEventListener("error", () => missing(cell)); }
    cell.screen = h("div.screen", { onclick: () => choose(n) }, video ?? nothing(take));
    cell.caption = h("figcaption", {});
    const isFirst = takes[n - 1]?.model !== take.model;
    cell.heading = !isByModel() ? "" : h(isFirst ? "header.by-model" : "header.by-model.more", {});
    cell.figure = h("figure.take", { "data-take": take.take }, cell.heading, cell.screen, cell.caption);
    return cell;
  });
  parts.grid.replaceChildren(...cells.map((cell) => cell.figure));
  parts.grid.dataset.count = cells.length;
  player.use(playing(), time < player.duration ? time : 0);
}

const isByModel = () => board.shots.get(shot).models.length > 0;

/** What a model costs, how long it takes and how well it keeps to the stills, over the first of its takes. */
function head(take) {
  const group = board.shots.get(shot).models.find((one) => one.model === take.model);
  if (!group) return [];
  const [first, last] = group.fidelity ?? [];
  return [
    h("h3", { dir: "auto", title: group.model }, group.model.slice(group.model.indexOf("/") + 1)),
    h("ul", {}, [
      [group.unit_price && `${group.currency} ${group.unit_price}/s`, "Price of a second of video"],
      [group.took_s !== null && `${lasting(group.took_s)} to render`, "From sending to the finished clip, waiting included"],
      [group.fidelity && `fidelity ${first ?? "–"} / ${last ?? "–"}`, "How like its stills it begins and ends, at worst"],
    ].filter(([text]) => text).map(([text, title]) => h("li", { title }, text))),
  ];
}

/** What stands where there is no clip: why, over the still that it would begin with. */
function nothing(take) {
  const still = take.stills.find((one) => one.picture);
  return [still ? h("img.under", { src: `/media/${still.picture}`, alt: "" }) : "", h("p.trouble", { dir: "auto" }, trouble(take))];
}

const playing = () => cells.filter((cell) => cell.video && !cell.isMissing).map(({ take, video }) => ({ video, fps: Number(take.clip.fps), duration: Number(take.clip.duration_s) }));

function missing(cell) {
  if (!cell.video.getAttribute("src")) return;
  cell.isMissing = true;
  cell.video.hidden = true;
  cell.screen.append(h("p.trouble", {}, "This clip cannot be played: it is gone, or is not the one on record."));
  player.use(playing());
}

/** What tells the take from the others under its heading. */
const label = (take) => (isByModel() ? take.cell.split(",").filter((value) => !value.startsWith("model=")).join(",") : take.cell);

/** Whether the heading already says of the take what there is to say of its model. */
const isAlone = (take) => board.shots.get(shot).models.some((group) => group.model === take.model && group.takes === 1) && !take.has_drifted;

/** Captions, marks and notes, as the takes and the choice are now. */
function dress() {
  cells.forEach((cell, n) => {
    const { take, figure } = cell;
    if (cell.heading && !cell.heading.classList.contains("more")) fill(cell.heading, ...head(take));
    const role = mode === "wipe" ? (n === active ? "A" : n === other ? "B" : "") : "";
    figure.classList.toggle("active", n === active);
    figure.classList.toggle("picked", take.is_picked);
    figure.classList.toggle("is-b", role === "B");
    figure.classList.toggle("off", mode === "wipe" && !role);
    fill(cell.caption,
      h("button.choose", { type: "button", "data-choose": n, "aria-pressed": String(n === active), "aria-label": `Take ${n + 1}: ${take.cell}` }, h("kbd", {}, String(n + 1)), h("span", { dir: "auto" }, label(take))),
      role || standing(take) ? h("span.standing", { class: `standing ${tone(take)}` }, [role, standing(take)].filter(Boolean).join(" · ")) : "",
      take.fidelity && !isAlone(take) ? h("span.fidelity", { class: take.has_drifted ? "fidelity mark" : "fidelity", title: "How like its stills it begins and ends" }, take.fidelity.filter(Boolean).join(" / ")) : "",
      take.clip && !board.readOnly ? h("button.pick", { type: "button", "data-pick": n, "aria-pressed": String(take.is_picked), "aria-label": take.is_picked ? `${take.cell} is picked: remove the pick` : `Pick ${take.cell}` }, take.is_picked ? "✓ Picked" : "Pick")
        : take.is_picked ? h("span.standing.done", {}, "✓ Picked") : "");
    cell.caption.onclick = (event) => {
      const { choose: chosen, pick: picked } = event.target.closest("button")?.dataset ?? {};
      if (chosen !== undefined) choose(Number(chosen));
      if (picked !== undefined) pickTake(Number(picked));
    };
    if (cell.video) cell.video.muted = !(isLoud && n === active);
  });
  const isStill = !playing().length;
  parts.transport.hidden = parts.modes.hidden = isStill;
  parts.wiping.hidden ||= isStill;
  parts.loud.hidden = !cells.some((cell) => cell.take.clip?.has_sound);
  about();
}

/** Side by side, wipe, or against a still. */
export function show(name) {
  if (name === "wipe" && cells.filter((cell) => cell.video).length < 2) { say("A wipe takes two clips"); name = "side"; }
  const wasEnd = mode === "first" || mode === "last";
  mode = name;
  parts.grid.dataset.mode = mode;
  for (const button of parts.modes.children) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  if (mode === "wipe" && !cells[active].video) active = cells.findIndex((cell) => cell.video);
  if (mode === "wipe" && (other < 0 || other === active || !cells[other]?.video)) other = cells.findIndex((cell, n) => n !== active && cell.video);
  for (const cell of cells) {
    cell.screen.querySelector("img.over")?.remove();
    const still = cell.take.stills.find((one) => one.role === `${mode}_frame` && one.picture);
    if (still && cell.video) cell.screen.append(h("img.over", { src: `/media/${still.picture}`, alt: `${ROLES[still.role]} of ${cell.take.take} as given` }));
  }
  if (mode === "first") { player.pause(); player.seek(0); }
  else if (mode === "last") { player.pause(); player.seek(player.duration); }
  else if (wasEnd) player.seek(0);
  parts.wiping.hidden = mode === "side";
  fit();
  wipeTo(Number(parts.wipe.value));
  dress();
}

function wipeTo(percent) {
  parts.wipe.value = percent;
  parts.grid.style.setProperty("--wipe", `${percent}%`);
  const ends = mode === "wipe" ? [cells[active]?.take.cell, cells[other]?.take.cell] : ["still", "clip"];
  parts.wiping.firstChild.textContent = `${ends[0]} | ${ends[1]}`;
}

/** Make a take the chosen one, by its number on stage; the one before it becomes B of a wipe. */
export function choose(n) {
  if (n >= cells.length || n < 0) return;
  if (n !== active) { if (cells[active]?.video) other = active; active = n; }
  if (mode === "wipe") show("wipe"); else dress();
}

/** Pick the take, or take its pick away. */
export async function pickTake(n = active) {
  const take = cells[n]?.take;
  if (board.readOnly) { say("This review is read-only"); return; }
  if (!take?.clip) { say("This take has no clip to pick"); return; }
  parts.refused.textContent = "";
  try {
    await pick(shot, take.is_picked ? null : take.take);
    say(take.is_picked ? `${take.take} is not picked any more` : `${take.take} is picked`);
  } catch (error) {
    parts.refused.textContent = `Not picked: ${error.message}`;
    say(parts.refused.textContent);
  }
}

export function toggleSound() {
  isLoud = !isLoud;
  parts.loud.setAttribute("aria-pressed", String(isLoud));
  dress();
}

export const toggle = (name) => show(mode === name ? "side" : name);
export const endsNext = () => show(mode === "first" ? "last" : mode === "last" ? "side" : "first");

function tick(time, rate) {
  if (!parts.scrub) return;
  const { duration, fps } = player;
  parts.scrub.value = duration ? Math.round((time / duration) * 1000) : 0;
  const picture = duration ? Math.min(Math.floor(time * fps + 1e-3), Math.round(duration * fps) - 1) : 0;
  parts.time.textContent = `${time.toFixed(2)} s · ${picture + 1}/${Math.round(duration * fps) || 1}${rate && rate !== 1 ? ` · ${rate}×` : ""}`;
  parts.scrub.setAttribute("aria-valuetext", `picture ${picture + 1}`);
  parts.play.textContent = rate ? "❚❚" : "▶";
  parts.play.setAttribute("aria-label", rate ? "Pause" : "Play");
}

// ---- what is known of the chosen take ---------------------------------------------------------------------------------

function about() {
  const take = cells[active]?.take;
  if (!take) return;
  const one = board.shots.get(shot);
  const { currency } = board.money;
  const facts = [
    ["Model", take.model], ["Size", take.clip ? `${take.clip.width_px}×${take.clip.height_px}` : `${take.resolution}${take.size ? `, ${take.size}` : ""}`],
    ["Length", take.clip ? `${Number(take.clip.duration_s)} s, ${Number(take.clip.fps)} fps` : `${take.seconds} s`],
    ["Trim", take.trim], ["Seed", take.seed], ["Cost", take.cost && `${currency} ${take.cost}`],
    ["Fidelity", take.fidelity && `first ${take.fidelity[0] ?? "–"}, last ${take.fidelity[1] ?? "–"}`],
    one.cut?.fidelity ? [`Cut to ${one.cut.to_shot}`, `${one.cut.fidelity}${one.cut.shares_still ? ", one still" : ""}`] : ["", null],
  ];
  const next = take.action !== "keep";
  fill(parts.notes,
    h("h3", { dir: "auto" }, take.take),
    take.tags.length ? h("ul.tags", { "aria-label": "Tags" }, take.tags.map((tag) => h("li", { dir: "auto" }, tag))) : "",
    next ? h("div.next", { class: `next ${tone(take)}` }, h("p", {}, h("b", {}, "Next run: "), ACTIONS[take.action], take.price && take.price !== "0.00" ? `, ${currency} ${take.price}` : ""), h("ul", {}, take.reasons.map((reason) => h("li", { dir: "auto" }, reason)))) : "",
    take.has_drifted ? h("p.remark", {}, "Begins or ends on another picture than asked.") : "",
    one.cut?.has_drifted && one.cut.take === take.take ? h("p.remark", { dir: "auto" }, `Does not cut to ${one.cut.to_shot} on one picture, though both were given the same still.`) : "",
    take.remarks.map((remark) => h("p.remark", { dir: "auto" }, remark)),
    h("p.prompt", { dir: "auto" }, take.prompt),
    take.negative_prompt ? h("p.prompt.not", { dir: "auto" }, h("b", {}, "Not: "), take.negative_prompt) : "",
    take.actual_prompt ? h("details", {}, h("summary", {}, "As rewritten by the service"), h("p.prompt", { dir: "auto" }, take.actual_prompt)) : "",
    one.notes ? h("p.remark.note", { dir: "auto" }, one.notes) : "",
    h("ul.stills", {}, take.stills.map((still) => h("li", {}, h("span", {}, ROLES[still.role]), still.picture ? h("img", { src: `/media/${still.picture}`, alt: `${ROLES[still.role]}: ${still.name}`, loading: "lazy" }) : h("span.source", { dir: "auto" }, still.name)))),
    h("dl.facts", {}, facts.filter(([, value]) => value).map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, String(value))))));
}
