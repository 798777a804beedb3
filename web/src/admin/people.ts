import { api, ok } from '../api/client';
import type { components } from '../api/rest';

export type User = components['schemas']['User'];

const MOST = 1000;

/** Reads who there is, for pages that show a name in the place of an id. */
export async function people(): Promise<Map<string, User>> {
  const users = await ok(api.GET('/api/v1/admin/users', { params: { query: { limit: MOST } } }));
  return new Map(users.map((user) => [user.id, user]));
}
