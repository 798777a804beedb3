import { readFileSync } from 'node:fs';

import { expect, it } from 'vitest';

import { RUSSIAN } from './phrases';

const PACKAGES = ['autocomplete', 'commands', 'language', 'lint', 'merge', 'search', 'view'];
const SAID = /\.?phrase\((?:view, )?(?:\w+(?:\.\w+)? \? )?"([^"]+)"(?: : "([^"]+)")?/g;

it('says in Russian all that CodeMirror says', () => {
  for (const name of PACKAGES) {
    const source = readFileSync(`node_modules/@codemirror/${name}/dist/index.js`, 'utf8');
    for (const [, ...said] of source.matchAll(SAID)) {
      for (const phrase of said) if (phrase) expect(RUSSIAN, name).toHaveProperty([phrase]);
    }
  }
});
