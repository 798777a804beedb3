/** What is to be said otherwise in English, which is what CodeMirror speaks by itself. */
export const ENGLISH: Readonly<Record<string, string>> = { 'Revert this chunk': 'Take this piece' };

/** What CodeMirror says, in Russian. */
export const RUSSIAN: Readonly<Record<string, string>> = {
  // Search and going to a line.
  Find: 'Найти',
  Replace: 'Заменить на',
  next: 'далее',
  previous: 'назад',
  all: 'все',
  'match case': 'с учётом регистра',
  regexp: 'регулярное выражение',
  'by word': 'слово целиком',
  replace: 'заменить',
  'replace all': 'заменить все',
  close: 'закрыть',
  'current match': 'текущее совпадение',
  'on line': 'в строке',
  'replaced match on line $': 'заменено совпадение в строке $',
  'replaced $ matches': 'заменено совпадений: $',
  'Go to line': 'Перейти к строке',
  go: 'перейти',
  // Folding.
  'Folded lines': 'Свёрнуты строки',
  'Unfolded lines': 'Развёрнуты строки',
  to: 'до',
  'folded code': 'свёрнутый код',
  unfold: 'развернуть',
  'Fold line': 'Свернуть строку',
  'Unfold line': 'Развернуть строку',
  // Problems.
  Diagnostics: 'Проблемы',
  'No diagnostics': 'Проблем нет',
  // Everything else.
  'Control character': 'Управляющий символ',
  'Selection deleted': 'Выделенное удалено',
  Completions: 'Варианты',
  // Comparing.
  '$ unchanged lines': 'неизменённых строк: $',
  'Revert this chunk': 'Взять этот фрагмент',
  Accept: 'Принять',
  Reject: 'Отклонить',
};
