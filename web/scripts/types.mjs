// Writes the server's types, from the JSON on its input that tests/web/contract.py prints.
// With --check it writes nothing, and fails when the files would change.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { compile } from 'json-schema-to-typescript';
import openapiTS, { astToString } from 'openapi-typescript';

const BANNER = '// Generated from the server by `npm run types`.\n\n';

const { rest, frames } = JSON.parse(await text(process.stdin));
const made = {
  'rest.d.ts': BANNER + astToString(await openapiTS(rest)),
  'frames.d.ts': await compile(closed(frames), 'Frames', {
    bannerComment: BANNER.trim(),
    style: { singleQuote: true, printWidth: 110 },
  }),
};

/** Says of every described object that it has the named fields only; others would be `unknown`. */
function closed(schema) {
  for (const one of Object.values(schema.definitions)) {
    if (one.type === 'object' && one.properties) one.additionalProperties ??= false;
    // A title would name the type a second time.
    delete one.title;
    for (const field of Object.values(one.properties ?? {})) delete field.title;
  }
  return schema;
}

for (const [name, content] of Object.entries(made)) {
  const file = fileURLToPath(new URL(`../src/api/${name}`, import.meta.url));
  if (existsSync(file) && readFileSync(file, 'utf8') === content) continue;
  if (process.argv.includes('--check')) {
    process.stderr.write(`src/api/${name} is not what the server says: run \`npm run types\`.\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, content);
  }
}
