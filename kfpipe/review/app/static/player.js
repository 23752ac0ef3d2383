// Several clips as one: they start together, and one of them, the longest, is the clock of all.

const SLIGHT_S = 0.012; // less than half a picture at 30 a second
const GREAT_S = 0.09; // more than this is not made up by running faster: it jumps
const SPEEDS = [1, 2, 4];

export class Player {
  #videos = [];
  #rate = 0; // negative runs backwards, 0 stands
  #wanted = 0;
  #drawn = 0;
  #told;
  #frame = null;
  isLooping = true;

  /** `told(time, rate)` is called for every picture that is drawn. */
  constructor(told) { this.#told = told; }

  /** Play these from now on, `{video, fps, duration}` each; standing, at `time`. */
  use(videos, time = 0) {
    this.pause();
    this.#videos = videos;
    this.seek(Math.min(time, this.duration));
  }

  get duration() { return Math.max(0, ...this.#videos.map((one) => one.duration)); }
  get fps() { return Math.max(1, ...this.#videos.map((one) => one.fps)); }
  get isPlaying() { return this.#rate !== 0; }
  get rate() { return this.#rate; }
  get time() { return this.#rate > 0 && this.#leader ? this.#leader.video.currentTime : this.#wanted; }
  get #leader() { return this.#videos.reduce((best, one) => (!best || one.duration > best.duration ? one : best), null); }

  /** Show the picture at `time`, in every clip. */
  seek(time) {
    this.#wanted = Math.max(0, Math.min(time, this.duration));
    for (const one of this.#videos) place(one, this.#wanted);
    this.#told(this.#wanted, this.#rate);
  }

  /** So many pictures on or back; it stands then. */
  step(pictures) {
    const at = Math.floor(this.time * this.fps + 1e-3);
    this.pause();
    this.seek((Math.max(0, Math.min(at + pictures, Math.round(this.duration * this.fps) - 1)) + 0.5) / this.fps);
  }

  toggle() { this.isPlaying ? this.pause() : this.play(1); }

  /** J and L: again in the same direction is faster. */
  shuttle(direction) {
    const speed = Math.sign(this.#rate) === direction ? Math.abs(this.#rate) : 0;
    this.play(direction * (SPEEDS.find((one) => one > speed) ?? SPEEDS.at(-1)));
  }

  pause() {
    if (this.#rate > 0) this.#wanted = this.time;
    this.#rate = 0;
    cancelAnimationFrame(this.#frame);
    for (const { video } of this.#videos) video.pause();
    this.#told(this.#wanted, 0);
  }

  async play(rate) {
    if (!this.#videos.length) return;
    const start = this.time;
    cancelAnimationFrame(this.#frame);
    this.#rate = rate;
    if (rate < 0) {
      for (const { video } of this.#videos) video.pause();
      this.#wanted = start > 0 ? start : this.duration;
    } else {
      const from = start >= this.duration - 1 / this.fps ? 0 : start;
      this.#wanted = from;
      for (const one of this.#videos) { place(one, from); one.video.playbackRate = rate; }
      await Promise.all(this.#videos.map(({ video }) => ready(video)));
      if (this.#rate !== rate) return;
      await Promise.all(this.#videos.map(({ video }) => video.play().catch(() => {})));
      if (this.#rate !== rate) return;
    }
    this.#drawn = performance.now();
    this.#frame = requestAnimationFrame((now) => this.#tick(now));
  }

  #tick(now) {
    const passed = (now - this.#drawn) / 1000;
    this.#drawn = now;
    if (this.#rate < 0) this.#back(passed);
    else this.#follow();
    this.#told(this.time, this.#rate);
    if (this.#rate !== 0) this.#frame = requestAnimationFrame((next) => this.#tick(next));
  }

  #back(passed) {
    this.#wanted += passed * this.#rate;
    if (this.#wanted <= 0) { this.#wanted = 0; this.pause(); }
    for (const one of this.#videos) if (!one.video.seeking) place(one, this.#wanted);
  }

  #follow() {
    const leader = this.#leader.video;
    if (leader.ended) {
      if (this.isLooping) { const rate = this.#rate; this.#rate = 0; this.#wanted = 0; this.play(rate); }
      else this.pause();
      return;
    }
    const time = leader.currentTime;
    for (const one of this.#videos) {
      const { video, duration } = one;
      if (video === leader || video.seeking || time >= duration - 0.02) continue;
      const behind = time - video.currentTime;
      if (Math.abs(behind) > GREAT_S) { place(one, time); video.playbackRate = this.#rate; }
      else video.playbackRate = this.#rate * (Math.abs(behind) > SLIGHT_S ? 1 + Math.max(-0.2, Math.min(0.2, behind * 4)) : 1);
      if (video.paused) video.play().catch(() => {});
    }
  }
}

function place({ video, duration, fps }, time) {
  const last = Math.max(0, duration - 0.5 / fps);
  if (video.readyState === 0) video.addEventListener("loadedmetadata", () => { video.currentTime = Math.min(time, last); }, { once: true });
  else video.currentTime = Math.min(time, last);
}

/** When the video can play on from where it is, or cannot be played at all. */
function ready(video) {
  if (video.readyState >= 3 || video.error) return Promise.resolve();
  return new Promise((done) => {
    for (const event of ["canplay", "error", "emptied"]) video.addEventListener(event, done, { once: true });
  });
}
