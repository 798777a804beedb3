import { authorised } from './client';
import { problemOf } from './problem';

/**
 * Fetches a file in the user's name and hands it to the browser to be saved.
 *
 * @throws ApiProblem when the server refused.
 * @throws Unreachable when it did not answer.
 */
export async function download(path: string, name: string): Promise<void> {
  const response = await authorised(new Request(new URL(path, window.location.origin)));
  if (!response.ok) throw problemOf(response, await response.json().catch(() => null));
  const address = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken hold of it by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
