"""Everything the scripted model says, in English and in Russian."""

from __future__ import annotations

from typing import NamedTuple

from codelab.kit.invocation import as_called


class Words(NamedTuple):
    """One sentence or text in both languages; `{…}` is filled in."""

    english: str
    russian: str

    def pick(self, russian: bool, **values: str) -> str:
        """Return the text in one of the languages."""
        return as_called((self.russian if russian else self.english).format(**values))


MARK = Words("[scripted demo, no AI]", "[сценарий демо, не ИИ]")

WELCOME = Words(
    "I follow a script and don't understand free text. Here is what I can show:\n\n"
    "- `@ask What does this project do?` reads files and explains them\n"
    "- `@coder Fix the bug` reads, proposes an edit, runs the tests and commits; "
    "you approve each step\n"
    "- `@coder Run the tests` runs a command, after your approval\n\n"
    "For real answers configure a model: `codelab models` says how.",
    "Я действую по сценарию и не понимаю произвольный текст. Вот что я умею показать:\n\n"
    "- `@ask Что делает этот проект?`: прочитать файлы и объяснить их\n"
    "- `@coder Исправь ошибку`: прочитать, предложить правку, запустить тесты и сделать коммит; "
    "каждый шаг вы одобряете\n"
    "- `@coder Запусти тесты`: выполнить команду после вашего одобрения\n\n"
    "Для настоящих ответов настройте модель: `codelab models` подскажет как.",
)
LOOK_AROUND = Words("First I read the project.", "Сначала я прочитаю проект.")
EXPLANATION = Words(
    "This is a small Python package, a **corner shop**:\n\n"
    "- `shop/basket.py` has `line_total` (several pieces of one article, with a discount for "
    "large quantities) and `basket_total` (the sum of all lines)\n"
    "- `tests/test_basket.py` states what they should return\n\n"
    "README.md promises a discount from **ten** pieces on. {finding}",
    "Это небольшой пакет на Python, **магазинчик**:\n\n"
    "- в `shop/basket.py` есть `line_total` (несколько штук одного товара, со скидкой за "
    "количество) и `basket_total` (сумма по всем строкам)\n"
    "- `tests/test_basket.py` говорит, что они должны возвращать\n\n"
    "README.md обещает скидку начиная с **десяти** штук. {finding}",
)
BUG_FOUND = Words(
    "The code says `quantity > BULK_QUANTITY`, so exactly ten pieces get none. "
    "Ask `@coder Fix the bug` to mend it.",
    "В коде стоит `quantity > BULK_QUANTITY`, поэтому ровно десять штук остаются без скидки. "
    "Напишите `@coder Исправь ошибку`.",
)
NO_BUG = Words("The code keeps that promise.", "Код это обещание выполняет.")
READ_BOTH = Words("I read the code and its tests first.", "Сначала я прочитаю код и тесты к нему.")
PROPOSE = Words(
    "The test `test_ten_pieces_cost_ten_per_cent_less` expects a discount for exactly ten "
    "pieces, but `line_total` compares with `>` and so starts at eleven. `>=` mends it. "
    "I propose this edit; nothing is written before you approve it.",
    "Тест `test_ten_pieces_cost_ten_per_cent_less` ждёт скидку ровно на десять штук, "
    "а `line_total` сравнивает через `>` и начинает с одиннадцати. Поможет `>=`. "
    "Предлагаю такую правку; без вашего одобрения ничего не запишется.",
)
CANNOT_EDIT = Words(
    "I found it: `line_total` compares with `>`, so exactly ten pieces get no discount; `>=` "
    "mends it. The agent you are talking to may not write files: ask `@coder Fix the bug`.",
    "Нашёл: `line_total` сравнивает через `>`, и ровно десять штук остаются без скидки; "
    "поможет `>=`. Этому агенту нельзя менять файлы: напишите `@coder Исправь ошибку`.",
)
HAND_OVER = Words(
    "I found it: `line_total` compares with `>`, so exactly ten pieces get no discount. "
    "I may not write files and hand the fix to coder.",
    "Нашёл: `line_total` сравнивает через `>`, и ровно десять штук остаются без скидки. "
    "Мне нельзя менять файлы, передаю исправление агенту coder.",
)
HANDED_OVER = Words("coder reports:\n\n{report}", "coder сообщает:\n\n{report}")
STEP_FIND = Words("Find the cause", "Найти причину")
ALREADY_FIXED = Words(
    "The bug of this tour is already fixed here. To begin again, delete the sample's folder "
    "and restart `codelab serve --demo`.",
    "Ошибка из этой экскурсии здесь уже исправлена. Чтобы начать сначала, удалите папку примера "
    "и перезапустите `codelab serve --demo`.",
)
OTHER_PROJECT = Words(
    "This is not the tour's sample project (or it was changed), and my script knows no other: "
    "{reason}",
    "Это не проект из экскурсии (или он изменён), а другого мой сценарий не знает: {reason}",
)
RUN_TESTS = Words(
    "Now the tests, with `python3 -m unittest`. Commands run only after your approval.",
    "Теперь тесты: `python3 -m unittest`. Команды выполняются только после вашего одобрения.",
)
COMMIT = Words(
    "The tests pass. Shall I commit the change?", "Тесты проходят. Сделать коммит с этой правкой?"
)
COMMIT_UNTESTED = Words(
    "The tests could not be run here: {reason}\n\nThe edit itself is made. "
    "I propose to commit it all the same, untested.",
    "Запустить тесты здесь не удалось: {reason}\n\nСама правка сделана. "
    "Предлагаю всё же сделать коммит, без проверки.",
)
DONE = Words(
    "Done: one character changed, the tests' outcome is above, the commit is made. "
    "That was one whole turn: read, propose, approve, run, commit.",
    "Готово: изменён один символ, итог тестов показан выше, коммит сделан. "
    "Это был один полный ход: прочитать, предложить, одобрить, выполнить, сохранить.",
)
STOPPED = Words(
    "That step did not happen, so I stop here: {reason}\n\n"
    "A real agent would now take your answer into account; a script cannot.",
    "Этот шаг не выполнен, поэтому я останавливаюсь: {reason}\n\n"
    "Настоящий агент учёл бы ваш ответ; сценарий этого не умеет.",
)
TESTS_PASS = Words("All tests pass.", "Все тесты проходят.")
TESTS_FAIL = Words(
    "The tests ran and some fail; the output is above. Ask `@coder Fix the bug`.",
    "Тесты выполнены, некоторые не проходят; вывод показан выше. Напишите `@coder Исправь ошибку`.",
)
COMMANDS_OFF = Words(
    "The command did not run, so I cannot say anything about the tests: {reason}",
    "Команда не выполнена, поэтому о тестах ничего сказать не могу: {reason}",
)
