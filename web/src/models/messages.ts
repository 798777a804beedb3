import { translator, type Catalogue } from '../i18n';

export const catalogue = {
  setupTitle: ['Set up a model in three steps', 'Настройте модель за три шага'],
  setupText: [
    'The assistant needs a model. Editor, terminal and git work without one.',
    'Помощнику нужна модель. Редактор, терминал и git работают и без неё.',
  ],
  step1: ['Choose a provider', 'Выберите провайдера'],
  step2: ['Say which model', 'Укажите модель'],
  step3: ['Try it out', 'Проверьте'],
  openaiText: ['GPT models, with a key from platform.openai.com', 'Модели GPT, ключ с platform.openai.com'],
  anthropicText: ['Claude models, with a key from console.anthropic.com', 'Модели Claude, ключ с console.anthropic.com'],
  ollamaText: ['Runs on your own machine, no key', 'На своей машине, без ключа'],
  compatibleText: ['vLLM, LM Studio, OpenRouter and many more', 'vLLM, LM Studio, OpenRouter и многие другие'],
  back: ['Back', 'Назад'],
  addAndTest: ['Add and test', 'Добавить и проверить'],
  testing: ['Asking the model …', 'Спрашиваем модель …'],
  testAgain: ['Test again', 'Проверить ещё раз'],
  go: ['Go', 'Начать'],
  useAnyway: ['Use it anyway', 'Всё равно использовать'],
  askTitle: ['No model is set up yet', 'Модель ещё не настроена'],
  askWhom: [
    'Ask an administrator to set one up: {names}. Editor, terminal and git work meanwhile.',
    'Попросите администратора её настроить: {names}. Редактор, терминал и git пока работают.',
  ],
  checkAgain: ['Look again', 'Проверить снова'],

  answered: ['Answered after {time}.', 'Ответила за {time}.'],
  answeredFirst: [
    'Answered after {time}, the first word after {first}.',
    'Ответила за {time}, первое слово через {first}.',
  ],
  failedKey: [
    'The provider does not accept the key. Check that it is copied whole and still valid.',
    'Провайдер не принял ключ. Проверьте, что он скопирован целиком и действует.',
  ],
  failedUnreachable: [
    'The address cannot be reached from the server. Check it, and that the provider runs.',
    'Сервер не может достучаться до адреса. Проверьте адрес и работает ли провайдер.',
  ],
  failedMissing: [
    'The provider knows no model of this name. Check how it is spelled.',
    'Провайдер не знает такой модели. Проверьте, как она пишется.',
  ],
  failedQuota: [
    'The account at the provider has no credit left.',
    'На счёте у провайдера закончились средства.',
  ],
  failedOther: ['No answer: {detail}', 'Нет ответа: {detail}'],

  provider: ['Provider', 'Провайдер'],
  openai: ['OpenAI', 'OpenAI'],
  anthropic: ['Anthropic', 'Anthropic'],
  ollama: ['Ollama (on your own machine)', 'Ollama (на своей машине)'],
  compatible: ['Other, OpenAI-compatible', 'Другой, совместимый с OpenAI'],
  modelId: ['Model', 'Модель'],
  modelHint: ['As the provider calls it, such as {example}.', 'Как её называет провайдер, например {example}.'],
  key: ['API key', 'API-ключ'],
  keyHint: ['It is sealed and never shown again.', 'Ключ шифруется и больше не показывается.'],
  keyKept: ['Leave empty to keep the stored key.', 'Оставьте пустым, чтобы сохранить прежний ключ.'],
  baseUrl: ['Address', 'Адрес'],
  baseUrlHint: [
    'Such as https://models.example.com/v1. Inner addresses must be listed in CODELAB_MODEL_ADDRESSES.',
    'Например https://models.example.com/v1. Внутренние адреса нужно перечислить в CODELAB_MODEL_ADDRESSES.',
  ],
  ollamaHint: [
    'Empty: this server’s own Ollama. Other addresses must be listed in CODELAB_MODEL_ADDRESSES.',
    'Пусто: Ollama этого сервера. Другие адреса нужно перечислить в CODELAB_MODEL_ADDRESSES.',
  ],
  displayName: ['Name in CodeLab', 'Имя в CodeLab'],
  displayNameHint: ['Empty: {name}', 'Пусто: {name}'],
  furtherFields: ['Prices and window', 'Цены и окно'],
  furtherHint: [
    'Only needed where CodeLab does not know the model.',
    'Нужны, только если CodeLab не знает модель.',
  ],
  inputPrice: ['Input, US$ per million tokens', 'Вход, $ за миллион токенов'],
  outputPrice: ['Output, US$ per million tokens', 'Выход, $ за миллион токенов'],
  window: ['Context window, tokens', 'Окно контекста, токенов'],
  notNumber: ['A number, or nothing.', 'Число или пусто.'],
  needed: ['This is needed.', 'Это нужно указать.'],
} as const satisfies Catalogue;

export const t = translator(catalogue);
