/** Runs a callback with the next animation frame. A hidden page has none, so a timer stands by. */
export type Schedule = (run: () => void) => void;

const LONGEST_MS = 100;

export const nextFrame: Schedule = (run) => {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    run();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, LONGEST_MS);
};
