// Measures the page's own frames, when it is opened with ?measure. The tests read `window.tollgateFrames()`.

const KEPT = 20000;
const frames = [];
const tasks = [];
let work = 0;
let worked = [];

export const measuring = new URLSearchParams(location.search).has('measure');

/** Runs `act` and counts its time as work of the page. */
export function measured(act) {
  if (!measuring) return act();
  const began = performance.now();
  try {
    return act();
  } finally {
    work += performance.now() - began;
  }
}

function quantile(sorted, part) {
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

function summary(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    count: sorted.length,
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    worst: sorted.at(-1) ?? 0,
  };
}

/** Starts to record each frame: milliseconds since the one before, and in which the page's own code ran. */
export function measure() {
  if (!measuring) return;
  let before;
  const frame = (now) => {
    if (before !== undefined && frames.length < KEPT) {
      frames.push(now - before);
      worked.push(work);
    }
    before = now;
    work = 0;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
  window.tollgateFrames = ({ reset = false } = {}) => {
    const answer = { intervals: summary(frames), work: summary(worked), longTasks: summary(tasks) };
    if (reset) {
      frames.length = 0;
      tasks.length = 0;
      worked = [];
    }
    return answer;
  };
}
