import { storage } from '../browser/storage';

/** Longer than any work that is done under a lock. */
const LEASE_MS = 20_000;
const RETRY_MS = 50;

/**
 * Runs one piece of work at a time among all tabs of this origin.
 *
 * Browsers offer their own locks on secure origins only; elsewhere a short lease in the local
 * storage serves, which outlives a closed tab by at most twenty seconds.
 */
export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = (navigator as Partial<Navigator>).locks;
  if (locks) return locks.request(name, work);
  const key = `${name}.lease`;
  const mine = Math.random().toString(36).slice(2);
  for (;;) {
    const [, until] = (storage.getItem(key) ?? '').split(' ');
    const leftMs = Number(until ?? 0) - Date.now();
    // More than there ever is: the clock was put back meanwhile.
    if (!(leftMs > 0 && leftMs <= LEASE_MS)) {
      storage.setItem(key, `${mine} ${Date.now() + LEASE_MS}`);
      await pause(RETRY_MS);
      if (storage.getItem(key)?.startsWith(`${mine} `)) break;
    }
    await pause(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    storage.removeItem(key);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
