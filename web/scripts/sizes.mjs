// Compares what a browser has to load with the budgets, compressed as the server sends it.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const KB = 1024;
// The whole IDE was to have 350 KB; docs/performance.md says what it is made of. It may not grow.
const BUDGETS = { shell: 60 * KB, 'whole IDE': 462 * KB };
// Of the languages only that of the opened file is loaded, and the server's sentences only by those
// who read Russian; settings, administration and the steps to a first model are apart from the IDE.
const APART = /^assets\/(language|sentences)-/;
const PAGES = /^src\/(admin|models|settings)\//;

const built = fileURLToPath(new URL('../../src/codelab/web/static/', import.meta.url));
const manifest = JSON.parse(readFileSync(`${built}.vite/manifest.json`, 'utf8'));

/** Collects the files that a chunk brings along; with `lazily`, also what it may load later. */
function files(key, lazily, seen = new Set(), found = new Set()) {
  if (seen.has(key) || isApart(key)) return found;
  seen.add(key);
  const { file, css = [], imports = [], dynamicImports = [] } = manifest[key];
  for (const name of [file, ...css]) found.add(name);
  for (const next of lazily ? [...imports, ...dynamicImports] : imports) files(next, lazily, seen, found);
  return found;
}

function isApart(key) {
  return APART.test(manifest[key].file) || PAGES.test(key);
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
