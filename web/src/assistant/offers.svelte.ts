import { api, ok } from '../api/client';
import type { components } from '../api/rest';

export type AgentInfo = components['schemas']['AgentInfo'];
export type ModelsOffered = components['schemas']['ModelsOffered'];

class Offers {
  agents = $state.raw<AgentInfo[]>([]);
  models = $state.raw<ModelsOffered | null>(null);

  /** Reads what this server offers. */
  async load(): Promise<void> {
    const [agents, models] = await Promise.all([ok(api.GET('/api/v1/agents')), ok(api.GET('/api/v1/models'))]);
    this.agents = agents;
    this.models = models;
  }

  /** Reads the models again: one may have been set up, or rest after failures. */
  async loadModels(): Promise<void> {
    this.models = await ok(api.GET('/api/v1/models'));
  }

  /** The models that hold conversations. */
  get chatModels(): ModelsOffered['models'] {
    return this.models?.models.filter((model) => model.kind === 'chat') ?? [];
  }
}

/** The agents and models that may be chosen. */
export const offers = new Offers();
