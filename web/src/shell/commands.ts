import { account } from '../auth/account.svelte';
import { language } from '../i18n';
import type { Command } from '../keys/commands.svelte';
import { router } from '../routes/router.svelte';
import { theme, type Theme } from '../theme/theme.svelte';
import { goToRegion, stepRegion } from '../ui/regions';
import { goToAssistant } from '../workbench/asking';
import { layout } from '../workbench/layout.svelte';
import { tabs } from '../workbench/tabs.svelte';
import { t } from './messages';
import { lowerPanes, panels, type Panel } from './panels';

/** What the frame of the workbench can do. */
export function shellCommands(): Command[] {
  return [
    ...regionCommands(),
    ...panels.filter((panel) => panel.on !== 'phone').map(panelCommand),
    ...lowerPanes.map(lowerCommand),
    ...tabCommands(),
    ...themeCommands(),
    { id: 'language-en', title: () => t('languageEnglish'), run: () => (language.current = 'en') },
    { id: 'language-ru', title: () => t('languageRussian'), run: () => (language.current = 'ru') },
    { id: 'projects', title: () => t('projects'), run: () => router.go('/workspaces') },
    { id: 'sign-out', title: () => t('signOut'), run: () => void account.signOut() },
  ];
}

function regionCommands(): Command[] {
  return [
    { id: 'next-region', title: () => t('nextRegion'), keys: 'F6', everywhere: true, run: () => stepRegion(1) },
    {
      id: 'previous-region',
      title: () => t('previousRegion'),
      keys: 'Shift+F6',
      everywhere: true,
      run: () => stepRegion(-1),
    },
    {
      id: 'assistant',
      title: () => t('toAssistant'),
      keys: 'Ctrl+I',
      run: goToAssistant,
    },
    {
      id: 'toggle-assistant',
      title: () => t('toggleAssistant'),
      run: () => layout.showAssistant(!layout.assistantShown),
    },
  ];
}

function panelCommand(panel: Panel): Command {
  return {
    id: `panel-${panel.id}`,
    title: () => t('showPanel', { name: panel.title() }),
    ...(panel.keys ? { keys: panel.keys } : {}),
    run: () => {
      layout.showPanel(panel.id);
      requestAnimationFrame(() => goToRegion('panel'));
    },
  };
}

function lowerCommand(pane: Panel): Command {
  return {
    id: `lower-${pane.id}`,
    title: () => t('showPanel', { name: pane.title() }),
    ...(pane.keys ? { keys: pane.keys } : {}),
    everywhere: true,
    run: () => {
      layout.showLower(layout.lowerId === pane.id ? null : pane.id);
      requestAnimationFrame(() => goToRegion(layout.lowerId === null ? 'editor' : 'lower'));
    },
  };
}

function isOpen(): boolean {
  return tabs.active !== null;
}

function move(by: 1 | -1): void {
  if (tabs.activeId !== null) tabs.move(tabs.activeId, by);
}

/** Closes all tabs but the one in front, until somebody wants to keep one. */
async function closeOthers(): Promise<void> {
  const others = tabs.all.filter((tab) => tab.id !== tabs.activeId);
  for (const tab of others) if (!(await tabs.close(tab.id))) return;
}

function tabCommands(): Command[] {
  return [
    {
      id: 'close-tab',
      title: () => t('closeEditor'),
      keys: 'Alt+W',
      when: isOpen,
      run: () => void tabs.close(tabs.activeId ?? ''),
    },
    {
      id: 'close-other-tabs',
      title: () => t('closeOthers'),
      when: isOpen,
      run: () => void closeOthers(),
    },
    { id: 'move-tab-right', title: () => t('moveRight'), keys: 'Alt+Shift+PageDown', when: isOpen, run: () => move(1) },
    { id: 'move-tab-left', title: () => t('moveLeft'), keys: 'Alt+Shift+PageUp', when: isOpen, run: () => move(-1) },
    { id: 'next-tab', title: () => t('nextTab'), keys: 'Alt+PageDown', when: isOpen, run: () => tabs.step(1) },
    {
      id: 'previous-tab',
      title: () => t('previousTab'),
      keys: 'Alt+PageUp',
      when: isOpen,
      run: () => tabs.step(-1),
    },
  ];
}

function themeCommands(): Command[] {
  const choices: [Theme, 'themeLight' | 'themeDark' | 'themeSystem'][] = [
    ['light', 'themeLight'],
    ['dark', 'themeDark'],
    ['system', 'themeSystem'],
  ];
  return choices.map(([choice, key]) => ({
    id: `theme-${choice}`,
    title: () => t(key),
    run: () => (theme.choice = choice),
  }));
}
