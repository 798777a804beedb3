const LEASE_MS = 10_000;
const RETRY_MS = 50;

/**
 * Runs one piece of work at a time among all tabs of this origin.
 *
 * Browsers offer their own locks on secure origins only; elsewhere a short lease in the local
 * storage serves, which outlives a closed tab by at most ten seconds.
 */
export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  const locks = (navigator as Partial<Navigator>).locks;
  if (locks) return locks.request(name, work);
  const key = `${name}.lease`;
  const mine = Math.random().toString(36).slice(2);
  for (;;) {
    const [, until] = (localStorage.getItem(key) ?? '').split(' ');
    if (Number(until ?? 0) < Date.now()) {
      localStorage.setItem(key, `${mine} ${Date.now() + LEASE_MS}`);
      await pause(RETRY_MS);
      if (localStorage.getItem(key)?.startsWith(`${mine} `)) break;
    }
    await pause(RETRY_MS);
  }
  try {
    return await work();
  } finally {
    localStorage.removeItem(key);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
