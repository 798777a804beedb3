import { describe, expect, it } from 'vitest';

import { FrameRefused, Requests } from './requests';

const cancel = { type: 'cancel', session_id: 's', data: {} } as const;

function idOf(text: string): string {
  return (JSON.parse(text) as { id: string }).id;
}

describe('requests', () => {
  it('settles each by its own id, whatever the order', async () => {
    const requests = new Requests();
    const first = requests.add(cancel);
    const second = requests.add(cancel);
    expect(requests.settle({ type: 'ack', id: idOf(second.text), data: { of: 'cancel' } })).toBe(true);
    await expect(second.answer).resolves.toEqual({ of: 'cancel' });
    expect(requests.unanswered()).toEqual([first.text]);
    const refusal = { code: 'session_busy', message: 'Busy.', retryable: true };
    requests.settle({ type: 'error', id: idOf(first.text), data: refusal });
    await expect(first.answer).rejects.toBeInstanceOf(FrameRefused);
    expect(requests.unanswered()).toEqual([]);
  });

  it('leaves alone what is not its own', () => {
    const requests = new Requests();
    expect(requests.settle({ type: 'ack', id: 'other', data: { of: 'chat' } })).toBe(false);
    const refusal = { code: 'x', message: '', retryable: false };
    expect(requests.settle({ type: 'error', data: refusal })).toBe(false);
  });
});
