// What people read for the states and actions that programs get.

export const STATES = {
  rendered: "rendered", succeeded: "not downloaded", submitted: "at the service", submitting: "submitting",
  absent: "not rendered", failed: "failed", canceled: "cancelled", lost: "lost", unclear: "answer lost",
};

export const ACTIONS = {
  render: "renders it", adopt: "looks for its task", follow: "follows it", download: "downloads it", reuse: "reuses a clip",
  wait: "waits for another shot", keep: "nothing", decide: "leaves it to you", retired: "nothing",
};

export const ROLES = {
  first_frame: "First frame", last_frame: "Last frame", driving_audio: "Driving audio", first_clip: "First clip",
};

/** Which colour a take is known by. */
export function tone(take) {
  if (["failed", "lost"].includes(take.state)) return "bad";
  if (take.is_under_way) return "busy";
  if (take.state === "unclear" || take.action === "decide" || take.is_changed || take.has_drifted) return "mark";
  return take.clip ? "done" : "none";
}

/** How the take stands, in a word or two; nothing where its clip says it. */
export function standing(take) {
  if (take.clip?.is_earlier) return `${STATES[take.state]}, earlier clip`;
  if (take.is_changed) return "changed since";
  if (take.has_drifted) return "drifts";
  if (take.state === "rendered") return take.clip ? "" : "clip missing";
  return STATES[take.state];
}

/** Why there is nothing to play, in a line. */
export function trouble(take) {
  if (take.trouble) return take.trouble;
  if (take.is_under_way) return "Under way at the service.";
  if (take.state === "succeeded") return "Finished at the service; the next run downloads it.";
  if (take.action === "wait") return "Waits for the clip of another shot.";
  return take.price ? "Not rendered yet." : "No clip yet.";
}

export const counted = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

/** `42 s`, `3 min 05 s`. */
export const lasting = (seconds) => seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
