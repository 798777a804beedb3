import type { components } from '../api/rest';

export type NewModel = components['schemas']['NewModel'];
export type ModelChange = components['schemas']['ModelChange'];

const FORM_INFO = new Set(['input_cost_per_token', 'output_cost_per_token', 'max_input_tokens']);

/** Who runs a model, as far as the form knows providers. */
export type ProviderId = 'openai' | 'anthropic' | 'ollama' | 'compatible';

/** What a provider's form asks for. */
export interface Provider {
  id: ProviderId;
  /** What stands before the model's name for the server. */
  prefix: string;
  key: 'needed' | 'possible' | 'none';
  address: 'needed' | 'possible' | 'none';
  /** A model to begin with. */
  example: string;
}

export const PROVIDERS: readonly Provider[] = [
  { id: 'openai', prefix: 'openai/', key: 'needed', address: 'none', example: 'gpt-5' },
  { id: 'anthropic', prefix: 'anthropic/', key: 'needed', address: 'none', example: 'claude-sonnet-4-5' },
  { id: 'ollama', prefix: 'ollama_chat/', key: 'none', address: 'possible', example: 'qwen3:8b' },
  { id: 'compatible', prefix: 'openai/', key: 'possible', address: 'needed', example: 'my-model' },
];

/** What was typed into the form; numbers as they were typed. */
export interface ModelFields {
  provider: ProviderId;
  model: string;
  name: string;
  key: string;
  address: string;
  inputPrice: string;
  outputPrice: string;
  window: string;
}

/** The server's names of what the form asks for: a refusal of one of them stands beside it. */
export const ASKED: readonly string[] = [
  'name',
  'litellm_params.model',
  'litellm_params.api_base',
  'litellm_params.api_key',
];

/** Returns a form with nothing typed yet. */
export function emptyFields(provider: ProviderId = 'openai'): ModelFields {
  const nothing = { model: '', name: '', key: '', address: '' };
  return { provider, ...nothing, inputPrice: '', outputPrice: '', window: '' };
}

/** Returns a provider. */
export function providerOf(id: ProviderId): Provider {
  return PROVIDERS.find((each) => each.id === id) ?? PROVIDERS[0]!;
}

/** Makes a catalogue name out of a model's own: its last part, with signs that names may have. */
export function nameFor(model: string): string {
  const last = model.trim().split('/').at(-1) ?? '';
  return last
    .replace(/[^A-Za-z0-9._:@-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 100);
}

/** Names the fields that something is missing in, or that hold no number. */
export function missing(fields: ModelFields, isKeyStored: boolean = false): (keyof ModelFields)[] {
  const provider = providerOf(fields.provider);
  const wrong: (keyof ModelFields)[] = [];
  if (!fields.model.trim()) wrong.push('model');
  if (provider.key === 'needed' && !fields.key.trim() && !isKeyStored) wrong.push('key');
  if (provider.address === 'needed' && !fields.address.trim()) wrong.push('address');
  for (const name of ['inputPrice', 'outputPrice', 'window'] as const) {
    if (!(numberOf(fields[name]) >= 0)) wrong.push(name);
  }
  return wrong;
}

/** Writes the form down as the server takes it. */
export function newModel(fields: ModelFields): NewModel {
  const provider = providerOf(fields.provider);
  const params: Record<string, string> = { model: `${provider.prefix}${fields.model.trim()}` };
  if (provider.key !== 'none' && fields.key.trim()) params.api_key = fields.key.trim();
  else if (provider.id === 'compatible') params.api_key = 'none';
  if (provider.address !== 'none' && fields.address.trim()) params.api_base = fields.address.trim();
  const name = fields.name.trim() || nameFor(fields.model);
  return { name, litellm_params: params, model_info: infoOf(fields) };
}

function infoOf(fields: ModelFields): Record<string, number> {
  const info: Record<string, number> = {};
  if (fields.inputPrice.trim()) info.input_cost_per_token = numberOf(fields.inputPrice) / 1_000_000;
  if (fields.outputPrice.trim()) info.output_cost_per_token = numberOf(fields.outputPrice) / 1_000_000;
  if (fields.window.trim()) info.max_input_tokens = Math.round(numberOf(fields.window));
  return info;
}

/** Reads a model that was added back into the form; its key stays on the server. */
export function fieldsOf(shown: components['schemas']['ShownModel']): ModelFields {
  const params = shown.litellm_params as Record<string, unknown>;
  const info = shown.model_info as Record<string, unknown>;
  const [first = '', ...rest] = textOf(params.model).split('/');
  const address = textOf(params.api_base);
  const provider = PROVIDERS.find(
    (each) => each.prefix === `${first}/` && (each.address === 'needed') === (first === 'openai' && address !== ''),
  );
  return {
    ...emptyFields(provider?.id ?? 'compatible'),
    model: rest.join('/'),
    name: shown.name,
    address,
    inputPrice: perMillion(info.input_cost_per_token),
    outputPrice: perMillion(info.output_cost_per_token),
    window: info.max_input_tokens === undefined ? '' : String(info.max_input_tokens),
  };
}

/** Says what of an added model is another than before; its provider stays. */
export function changeOf(shown: components['schemas']['ShownModel'], fields: ModelFields): ModelChange {
  const before = newModel(fieldsOf(shown));
  const after = newModel(fields);
  const params: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(before.litellm_params), ...Object.keys(after.litellm_params)])) {
    const value = after.litellm_params[name] ?? null;
    if (value !== (before.litellm_params[name] ?? null)) params[name] = value;
  }
  const others = Object.entries(shown.model_info).filter(([name]) => !FORM_INFO.has(name));
  return { litellm_params: params, model_info: { ...Object.fromEntries(others), ...infoOf(fields) } };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function perMillion(price: unknown): string {
  return typeof price === 'number' ? String(Number((price * 1_000_000).toPrecision(12))) : '';
}

function numberOf(text: string): number {
  return Number(text.trim().replace(',', '.'));
}
