// The board as the server has it: fetched once, then only the shots that have changed.

export const board = { order: [], shots: new Map(), money: null, problems: [], isStale: false, running: false, readOnly: false, title: "" };

let revision = "";
let listeners = [];
let fetching = null;
let again = false;

/** Call `listener(changedShots)` after each change; `{reached, reason}` tells whether the server answers. */
export function onChange(listener) { listeners.push(listener); }

async function get() {
  const answer = await fetch(`/api/board?since=${encodeURIComponent(revision)}`);
  if (!answer.ok) throw new Error(answer.status === 403 ? "closed" : "failed");
  const told = await answer.json();
  const changed = new Set(told.shots.map((shot) => shot.shot));
  for (const shot of told.shots) board.shots.set(shot.shot, shot);
  const before = board.order.join("\n");
  board.order = told.order;
  for (const name of [...board.shots.keys()]) if (!told.order.includes(name)) board.shots.delete(name);
  Object.assign(board, { money: told.money, problems: told.problems, isStale: told.stale, running: told.running, readOnly: told.read_only, title: told.title });
  revision = told.revision;
  for (const listener of listeners) listener({ changed, isReordered: before !== board.order.join("\n") });
}

/** Fetch what has changed; calls that come meanwhile are answered by one more. */
export async function refresh() {
  if (fetching) { again = true; return fetching; }
  fetching = (async () => {
    do { again = false; await get(); } while (again);
  })();
  try { await fetching; } finally { fetching = null; }
}

/** Record that `take` of `shot` is picked, null: none. Throws with the server's own words. */
export async function pick(shot, take) {
  let answer;
  try {
    answer = await fetch("/api/pick", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ shot, take }),
    });
  } catch { throw new Error("kfpipe review does not answer: the pick was not written"); }
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).problem ?? "the pick was not written");
  await refresh();
}

/** Follow what happens on the server. `told(isReached, text)` says how that goes. */
export function follow(told) {
  const news = new EventSource("/api/events");
  news.onmessage = async (event) => {
    try {
      if (JSON.parse(event.data) !== revision) await refresh();
      told(true);
    } catch (error) { told(false, error.message); }
  };
  news.onerror = () => {
    told(false, "");
    if (news.readyState === EventSource.CLOSED) {
      news.close();
      setTimeout(() => follow(told), 3000);
    }
  };
}
