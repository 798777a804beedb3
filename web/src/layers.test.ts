import { expect, it } from 'vitest';

// Each folder may import those before it. The files beside the folders may import all.
const LAYERS = `
  browser api i18n theme socket ui keys routes auth markdown codemirror
  session workbench
  diff models sessions explorer search quickopen terminal git editor approvals assistant
  shell settings admin
`.trim().split(/\s+/);
const IMPORTED = /(?:from |import |import\()'\.\.\/(\w+)/g;

const sources = import.meta.glob<string>('./*/**/*.{ts,svelte}', { query: '?raw', import: 'default', eager: true });

it('imports point down only', () => {
  const up = Object.entries(sources).flatMap(([file, source]) => {
    const place = LAYERS.indexOf(file.split('/')[1] ?? '');
    const imported = [...source.matchAll(IMPORTED)].map((found) => found[1] ?? '');
    return imported.filter((folder) => !LAYERS.slice(0, place).includes(folder)).map((folder) => `${file} -> ${folder}`);
  });
  expect(up).toEqual([]);
  expect(new Set(Object.keys(sources).map((file) => file.split('/')[1]))).toEqual(new Set(LAYERS));
});
