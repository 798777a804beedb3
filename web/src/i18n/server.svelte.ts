import { language } from './language.svelte';
import { inRussian, type Sentences } from './spoken';

let sentences = $state.raw<Sentences | null>(null);

// The server speaks English; only those who read Russian load the sentences.
$effect.root(() => {
  $effect(() => {
    if (language.current === 'ru' && sentences === null) {
      import('./sentences.json').then((loaded) => (sentences = loaded.default), () => {});
    }
  });
});

/** Says a sentence that the server wrote in the interface's language, where it is known. */
export function ofServer(said: string): string {
  return language.current === 'ru' && sentences ? inRussian(said, sentences) : said;
}
