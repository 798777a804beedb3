import { expect, it } from 'vitest';

import { LARGEST_HIGHLIGHTED, languageOf, loadLanguage } from './languages';

it('chooses the language by the name of the file', () => {
  const names = {
    'src/a.py': 'Python',
    'src/a.pyi': 'Python',
    'a.TS': undefined,
    'a.ts': 'TypeScript',
    'a.tsx': 'TSX',
    'a.go': 'Go',
    'README.md': 'Markdown',
    'deploy/Dockerfile': 'Dockerfile',
    'Dockerfile.dev': 'Dockerfile',
    'web/App.svelte': 'HTML',
    'settings.jsonc': 'JSON',
    'a.py/notes': undefined,
    LICENSE: undefined,
  };
  for (const [path, name] of Object.entries(names)) expect(languageOf(path)?.name, path).toBe(name);
});

it('fetches a language only when it is needed', async () => {
  expect((await loadLanguage('a.json', 10))?.language.name).toBe('json');
  expect(await loadLanguage('a.json', LARGEST_HIGHLIGHTED + 1)).toBeNull();
  expect(await loadLanguage('LICENSE', 10)).toBeNull();
});
