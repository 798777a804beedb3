import { api, ok } from '../api/client';
import { formatCount } from '../i18n/format';
import { router } from '../routes/router.svelte';
import { addressOf } from '../routes/routes';
import { saveSession } from '../sessions/saving';
import type { Conversation } from './conversation.svelte';
import { t } from './messages';
import { offers } from './offers.svelte';
import { pickers } from './pickers.svelte';
import { readUndo, type CommandName, type SlashCommand } from './slash';

/** What a command has to say when it is done; empty if it shows its outcome itself. */
type Outcome = Promise<string>;
type Obey = (conversation: Conversation, argument: string) => Outcome;

async function chooseAgent(conversation: Conversation, argument: string): Outcome {
  const name = argument.replace(/^@/, '');
  if (name !== '' && !offers.agents.some((agent) => agent.name === name)) return t('unknownAgent', { name });
  await conversation.choose({ agent: name || null });
  return '';
}

async function chooseModel(conversation: Conversation, name: string): Outcome {
  if (name !== '' && !offers.chatModels.some((model) => model.name === name)) return t('unknownModel', { name });
  await conversation.choose({ model: name || null });
  return '';
}

async function compact({ sessionId }: Conversation): Outcome {
  if (!sessionId) return t('needsSession');
  const params = { path: { session_id: sessionId } };
  const made = await ok(api.POST('/api/v1/sessions/{session_id}/compact', { params }));
  return t('compactDone', { before: formatCount(made.tokens_before), after: formatCount(made.tokens_after) });
}

async function uncompact(conversation: Conversation): Outcome {
  if (!conversation.sessionId) return t('needsSession');
  const params = { path: { session_id: conversation.sessionId } };
  const all = await ok(api.GET('/api/v1/sessions/{session_id}/compactions', { params }));
  const last = all.findLast((one) => one.in_force);
  if (!last) return t('nothingHidden');
  return (await conversation.restoreCompaction(last.seq)) ? t('shownAgain') : '';
}

async function undo(conversation: Conversation, argument: string): Outcome {
  if (!conversation.sessionId) return t('needsSession');
  const { wanted } = readUndo(argument);
  const params = { path: { session_id: conversation.sessionId } };
  const all = await ok(api.GET('/api/v1/sessions/{session_id}/checkpoints', { params }));
  const fitting = wanted
    ? all.filter((point) => point.id.endsWith(wanted))
    : all.filter((point) => point.kind === 'turn' && !point.undone).slice(-1);
  const [found] = fitting;
  if (!found || fitting.length !== 1) return t(wanted ? 'noSuchCheckpoint' : 'nothingToUndo');
  conversation.showCheckpoint(found.id);
  return '';
}

const OBEY: Record<Exclude<CommandName, 'help'>, Obey> = {
  agent: async (conversation, argument) => {
    if (argument) return chooseAgent(conversation, argument === 'auto' ? '' : argument);
    pickers.open = 'agent';
    return '';
  },
  model: async (conversation, argument) => {
    if (argument) return chooseModel(conversation, argument === 'auto' ? '' : argument);
    pickers.open = 'model';
    return '';
  },
  compact,
  uncompact,
  checkpoints: async (conversation) => {
    if (!conversation.sessionId) return t('needsSession');
    conversation.checkpoints = 'list';
    return '';
  },
  undo,
  new: async (conversation) => {
    router.go(addressOf(conversation.workspaceId));
    return '';
  },
  export: async ({ record }, argument) => {
    if (!record) return t('needsSession');
    const file = await saveSession(record, argument.toLowerCase() === 'json' ? 'json' : 'markdown');
    return t('savedAs', { file });
  },
};

/** Carries out a command of the composer. */
export function obey(
  conversation: Conversation,
  command: SlashCommand & { name: Exclude<CommandName, 'help'> },
): Outcome {
  return OBEY[command.name](conversation, command.argument);
}
