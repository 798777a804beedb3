import { download } from '../api/download';
import { fileName, type SessionView } from './grouping';

export type SessionFormat = 'markdown' | 'json';

/**
 * Hands a session to the browser as a file.
 *
 * @returns The file's name.
 * @throws ApiProblem when the server refused.
 */
export async function saveSession(
  session: Pick<SessionView, 'id' | 'title'>,
  format: SessionFormat,
): Promise<string> {
  const name = fileName(session.title, format === 'json' ? 'json' : 'md');
  await download(`/api/v1/sessions/${session.id}/export?format=${format}`, name);
  return name;
}
