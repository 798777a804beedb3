// Compares what a browser has to load with the budgets, compressed as the server sends it.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const KB = 1024;
const BUDGETS = { shell: 60 * KB, 'whole IDE': 350 * KB };
// One of these is loaded for the kind of file that somebody opens, and no other.
const LANGUAGE = /@codemirror\/(lang-|legacy-modes)/;

const built = fileURLToPath(new URL('../../src/codelab/web/static/', import.meta.url));
const manifest = JSON.parse(readFileSync(`${built}.vite/manifest.json`, 'utf8'));

/** Collects the files that a chunk brings along; with `lazily`, also what it may load later. */
function files(key, lazily, seen = new Set(), found = new Set()) {
  if (seen.has(key)) return found;
  seen.add(key);
  const chunk = manifest[key];
  for (const file of [chunk.file, ...(chunk.css ?? [])]) found.add(file);
  for (const next of chunk.imports ?? []) files(next, lazily, seen, found);
  const later = lazily ? (chunk.dynamicImports ?? []) : [];
  for (const next of later.filter((one) => !LANGUAGE.test(one))) files(next, lazily, seen, found);
  return found;
}

function size(names) {
  const sent = [...names].map((name) => `${built}${name}`);
  return sent.reduce((sum, file) => sum + statSync(existsSync(`${file}.gz`) ? `${file}.gz` : file).size, 0);
}

const measured = {
  shell: size(files('index.html', false)),
  'whole IDE': size(files('index.html', true)),
};
for (const [name, bytes] of Object.entries(measured)) {
  const verdict = bytes <= BUDGETS[name] ? 'within' : 'OVER';
  process.stdout.write(
    `${name}: ${(bytes / KB).toFixed(1)} KB, ${verdict} its budget of ${BUDGETS[name] / KB} KB\n`,
  );
  if (bytes > BUDGETS[name]) process.exitCode = 1;
}
