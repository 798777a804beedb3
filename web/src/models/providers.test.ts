import { describe, expect, it } from 'vitest';

import { changeOf, emptyFields, fieldsOf, missing, nameFor, newModel } from './providers';

describe('the form of a model', () => {
  it('names a model by the last part of its own name', () => {
    expect(['gpt-5', ' meta/llama 3 ', '~x', 'qwen3:8b'].map((model) => nameFor(model))).toEqual([
      'gpt-5',
      'llama-3',
      'x',
      'qwen3:8b',
    ]);
  });

  it('says what is missing, by provider', () => {
    expect(missing(emptyFields('openai'))).toEqual(['model', 'key']);
    expect(missing(emptyFields('openai'), true)).toEqual(['model']);
    expect(missing(emptyFields('ollama'))).toEqual(['model']);
    expect(missing({ ...emptyFields('compatible'), model: 'm', window: 'wide' })).toEqual(['address', 'window']);
    expect(missing({ ...emptyFields('ollama'), model: 'm', inputPrice: '-1' })).toEqual(['inputPrice']);
  });

  it('becomes what the server takes', () => {
    const typed = { ...emptyFields('openai'), model: 'gpt-5', key: ' sk-1 ', inputPrice: '1,25', window: '400000' };
    expect(newModel(typed)).toEqual({
      name: 'gpt-5',
      litellm_params: { model: 'openai/gpt-5', api_key: 'sk-1' },
      model_info: { input_cost_per_token: 0.00000125, max_input_tokens: 400_000 },
    });
  });

  it('sends nothing that the provider has no use for', () => {
    const typed = { ...emptyFields('ollama'), model: 'qwen3', key: 'left over' };
    expect(newModel(typed).litellm_params).toEqual({ model: 'ollama_chat/qwen3' });
    const keyless = { ...emptyFields('compatible'), model: 'a/b', address: 'https://models.example/v1' };
    expect(newModel(keyless).litellm_params).toEqual({
      model: 'openai/a/b',
      api_base: 'https://models.example/v1',
      api_key: 'none',
    });
  });

  it('is read back without the key', () => {
    const typed = { ...emptyFields('compatible'), model: 'a/b', name: 'mine', address: 'https://m.example', outputPrice: '10' };
    const { litellm_params, ...rest } = newModel({ ...typed, key: 'secret' });
    const shown = { ...rest, model_info: rest.model_info ?? {}, created_by: '', created_at: '', updated_at: '' };
    expect(fieldsOf({ ...shown, litellm_params: { ...litellm_params, api_key: '[set]' } })).toEqual(typed);
    const plain = newModel({ ...emptyFields('openai'), model: 'gpt-5', key: 'k' });
    expect(fieldsOf({ ...shown, ...plain, model_info: {} }).provider).toBe('openai');
  });

  it('changes only what was changed, and leaves what it does not know', () => {
    const shown = {
      name: 'mine',
      litellm_params: { model: 'mistral/large', api_key: '[set]', top_p: 0.5 },
      model_info: { mode: 'chat', max_input_tokens: 1000 },
      created_by: '',
      created_at: '',
      updated_at: '',
    };
    const fields = fieldsOf(shown);
    expect(changeOf(shown, fields)).toEqual({ litellm_params: {}, model_info: shown.model_info });
    expect(changeOf(shown, { ...fields, key: 'new', window: '' })).toEqual({
      litellm_params: { api_key: 'new' },
      model_info: { mode: 'chat' },
    });
  });
});
