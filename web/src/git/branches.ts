import type { Branch } from './repository.svelte';

/** What choosing an entry does. */
export interface BranchChoice {
  id: string;
  branch: string;
  /** Where a branch that is made starts; absent when there is one already. */
  start?: string;
  kind: 'local' | 'remote' | 'new';
  isCurrent: boolean;
  subject: string;
}

const PART = /^[^\s~^:?*[\]\\]+$/;
const FORBIDDEN = /^[-+@]|^HEAD$|\.$|\.\.|@\{|^refs\/|^[0-9a-f]{40}$|^[0-9a-f]{64}$|\p{C}/iu;

/** Says whether a new branch can be called so. */
export function isBranchName(text: string): boolean {
  const parts = text.split('/');
  return (
    text.length > 0 &&
    text.length <= 200 &&
    !FORBIDDEN.test(text) &&
    parts.every((part) => PART.test(part) && !/^[.-]|\.lock$/.test(part))
  );
}

/** What is offered for what was typed: branches with that in their names, and a new one. */
export function choicesFor(typed: string, branches: readonly Branch[]): BranchChoice[] {
  const wanted = typed.trim().toLowerCase();
  const local = new Set(branches.filter((each) => each.kind === 'local').map((each) => each.name));
  const found = branches.filter(
    (each) => each.name.toLowerCase().includes(wanted) && !(each.kind === 'remote' && local.has(shortOf(each.name))),
  );
  const choices = found.map(choiceOf);
  const name = typed.trim();
  if (!isBranchName(name) || local.has(name)) return choices;
  return [...choices, { id: 'new', branch: name, start: '', kind: 'new', isCurrent: false, subject: '' }];
}

/** The branches that can be deleted without losing a commit. */
export function deletable(typed: string, branches: readonly Branch[]): BranchChoice[] {
  const wanted = typed.trim().toLowerCase();
  return branches
    .filter((each) => each.kind === 'local' && each.is_merged && !each.is_current)
    .filter((each) => each.name.toLowerCase().includes(wanted))
    .map(choiceOf);
}

function choiceOf(each: Branch): BranchChoice {
  const { name, kind, subject } = each;
  const made = kind === 'remote' ? { branch: shortOf(name), start: name } : { branch: name };
  return { id: `${kind}:${name}`, ...made, kind, isCurrent: each.is_current, subject };
}

function shortOf(remote: string): string {
  return remote.slice(remote.indexOf('/') + 1);
}
