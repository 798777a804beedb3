/** A refusal by the server, in the form of RFC 9457. */
export class ApiProblem extends Error {
  /**
   * @param status HTTP status.
   * @param code Stable name of the condition, such as `file_changed`.
   * @param detail One sentence for the user, in English, as the server wrote it.
   * @param field The request's field that is wrong, in dotted form.
   * @param retryAfterS Seconds until another try makes sense.
   */
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly field: string | null = null,
    readonly retryAfterS: number | null = null,
  ) {
    super(detail || code);
    this.name = 'ApiProblem';
  }
}

/** The server could not be reached. */
export class Unreachable extends Error {
  constructor(cause?: unknown) {
    super('The server cannot be reached.', { cause });
    this.name = 'Unreachable';
  }
}

/** Whether the server has said nothing about what was asked for: later it may. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof ApiProblem) || error.status >= 500 || [401, 408, 429].includes(error.status);
}

/** Reads what an answer that is not a success says. */
export function problemOf(response: Response, body: unknown): ApiProblem {
  const said = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const text = (name: string): string => (typeof said[name] === 'string' ? said[name] : '');
  const [wrong] = Array.isArray(said.errors) ? (said.errors as { field?: unknown }[]) : [];
  const wait = Number(response.headers.get('retry-after'));
  return new ApiProblem(
    response.status,
    text('code') || `http_${response.status}`,
    text('detail') || text('title') || response.statusText,
    typeof wrong?.field === 'string' ? wrong.field : null,
    Number.isFinite(wait) && response.headers.has('retry-after') ? wait : null,
  );
}
