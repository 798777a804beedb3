/** Whoever moved the view lately decides where it stays. */
const RECENT_MS = 800;
const NEAR_PX = 48;

/**
 * Keeps a growing list at its end while its reader is there, and leaves it alone otherwise.
 */
export class Following {
  /** The reader is at the end and sees what comes. */
  active = $state(true);
  #scroller: HTMLElement | null = null;
  #actedAt = -Infinity;
  #held = false;

  /** Watches the element that scrolls; what grows is its only child. */
  readonly attach = (scroller: HTMLElement): (() => void) => {
    this.#scroller = scroller;
    const acted = (): void => {
      this.#actedAt = performance.now();
    };
    const hold = (event: PointerEvent): void => {
      this.#held = event.type === 'pointerdown';
      acted();
    };
    const wheel = (event: WheelEvent): void => {
      acted();
      if (event.deltaY < 0 && scroller.scrollTop > 0) this.active = false;
    };
    const scrolled = (): void => this.#scrolled();
    const resized = new ResizeObserver(() => this.keep());
    resized.observe(scroller);
    if (scroller.firstElementChild) resized.observe(scroller.firstElementChild);
    scroller.addEventListener('wheel', wheel, { passive: true });
    scroller.addEventListener('touchmove', acted, { passive: true });
    scroller.addEventListener('keydown', acted);
    scroller.addEventListener('pointerdown', hold);
    window.addEventListener('pointerup', hold);
    scroller.addEventListener('scroll', scrolled, { passive: true });
    return () => {
      resized.disconnect();
      window.removeEventListener('pointerup', hold);
    };
  };

  /** Goes to the end and stays there. */
  toEnd(): void {
    this.active = true;
    this.keep();
  }

  /** Goes on being at the end, after something has grown. */
  keep(): void {
    const scroller = this.#scroller;
    if (scroller && this.active) scroller.scrollTop = scroller.scrollHeight;
  }

  #scrolled(): void {
    const scroller = this.#scroller;
    if (!scroller) return;
    const left = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
    const byReader = this.#held || performance.now() - this.#actedAt < RECENT_MS;
    if (left <= NEAR_PX) this.active = true;
    else if (byReader) this.active = false;
  }
}
