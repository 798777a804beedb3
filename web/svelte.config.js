import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

const ICON = /@lucide\/svelte\/dist\/icons\/[^/]+\.svelte$/;

/** Writes each icon as a piece of the page that is copied, instead of building it node by node. */
const icons = {
  name: 'icons',
  markup({ content, filename = '' }) {
    if (!ICON.test(filename)) return undefined;
    const { node } = JSON.parse(/const iconData = (.*);/.exec(content)?.[1] ?? 'none');
    const shapes = node.map(([tag, attributes]) => {
      const written = Object.entries(attributes).map(([name, value]) => `${name}="${value}"`);
      return `<${tag} ${written.join(' ')} />`;
    });
    const code = `<script>let { size = 24, strokeWidth = 2, fill = 'none' } = $props();</script>
<svg width={size} height={size} viewBox="0 0 24 24" {fill} stroke="currentColor"
  stroke-width={strokeWidth} stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"
>${shapes.join('')}</svg>`;
    return { code };
  },
};

export default { preprocess: [icons, vitePreprocess()] };
