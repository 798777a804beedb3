import { approvalKeys } from '../approvals/keys';
import { assistantKeys } from '../assistant/keys';
import { diffKeys } from '../diff/keys';
import { editorKeys } from '../editor/keys';
import { gitKeys } from '../git/keys';
import { commands, type CommandEntry } from '../keys/commands.svelte';
import { quickOpenKeys } from '../quickopen/keys';
import { searchKeys } from '../search/keys';
import { shellCommands } from '../shell/commands';

const OF_FEATURES = [approvalKeys, assistantKeys, diffKeys, editorKeys, gitKeys, quickOpenKeys, searchKeys];

/** Everything that keys can be chosen for, whether its part of the interface is open or not. */
export function everyCommand(): CommandEntry[] {
  const entries: CommandEntry[] = [...commands.all, ...shellCommands(), ...OF_FEATURES.flatMap((keys) => Object.values(keys))];
  return [...new Map(entries.map((entry) => [entry.id, entry])).values()];
}
