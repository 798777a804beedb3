import { expect, it } from 'vitest';

import sentences from './sentences.json';
import { inRussian } from './spoken';

it('says what it knows in Russian, values and sentences within included', () => {
  expect(inRussian('There is no file constructor.', sentences)).toBe('Файла constructor нет.');
  expect(inRussian('No simple rule fits this message. The orchestrator decides.', sentences)).toBe(
    'Простого правила для этого сообщения нет. Решает orchestrator.',
  );
  expect(inRussian('Nobody foresaw this.', sentences)).toBe('Nobody foresaw this.');
});
